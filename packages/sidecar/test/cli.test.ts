// The command as a person starts it: what it says, what it serves, how it reloads and stops.
import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { runCli } from "@compendium/sidecar";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";

let folder = "";
const app = createServer((request, response) => {
  response.end(`${request.method} ${request.url} ${request.headers["x-request-id"]?.length ?? 0}`);
});

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "sidecar-cli-"));
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
});

afterAll(async () => {
  app.close();
  await rm(folder, { recursive: true });
});

const v3 = "type.googleapis.com/envoy.extensions.filters";

function bootstrap(prefix: string, route = "{ cluster: app }"): string {
  const { port } = app.address() as AddressInfo;
  return `
static_resources:
  listeners:
    - name: inbound
      address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": ${v3}.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: inbound
                drain_timeout: 0.05s
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config: { "@type": ${v3}.http.router.v3.Router }
                route_config:
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes: [{ match: { prefix: "${prefix}" }, route: ${route} }]
  clusters:
    - name: app
      load_assignment:
        cluster_name: app
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } }
`;
}

/** With an admin interface and an access log. */
function operated(log: string): string {
  const type = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";
  const prefix = "stat_prefix: inbound";
  const accessLog = `${prefix}
                access_log:
                  - name: file
                    typed_config:
                      "@type": ${type}
                      path: "${log}"
                      log_format: { text_format_source: { inline_string: "%REQ(:PATH)% %RESPONSE_CODE%\\n" } }`;
  return `
admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }
${bootstrap("/").replace(prefix, accessLog)}`;
}

interface Running {
  readonly out: string[];
  readonly err: string[];
  readonly ended: Promise<number>;
  readonly stop: () => void;
  readonly reload: () => void;
  readonly reopen: () => void;
  readonly isServing: () => boolean;
}

function start(...args: string[]): Running {
  const [out, err]: [string[], string[]] = [[], []];
  const stop = new AbortController();
  let reload: (() => void) | undefined;
  let reopen = (): void => {};
  const ended = runCli(args, {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    signal: stop.signal,
    onReload: (call) => {
      reload = call;
    },
    onReopen: (call) => {
      reopen = call;
    },
  });
  const stops = { stop: () => stop.abort(), reload: () => reload?.(), reopen: () => reopen() };
  return { out, err, ended, isServing: () => reload !== undefined, ...stops };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

test("serves, takes another configuration, keeps it when the next is wrong, drains and exits 0", async () => {
  const file = path.join(folder, "sidecar.yaml");
  await writeFile(file, bootstrap("/"));
  const sidecar = start("--config-path", file);
  await until(() => sidecar.out.length > 0);
  const url = `http://${/127\.0\.0\.1:\d+/.exec(sidecar.out[0] ?? "")?.[0]}`;
  const ask = async (target: string): Promise<string> => {
    const response = await fetch(url + target);
    return `${response.status} ${response.headers.get("server")} ${await response.text()}`;
  };
  expect(await ask("/a/./b")).toBe("200 envoy GET /a/b 36");

  await writeFile(file, bootstrap("/only"));
  sidecar.reload();
  await until(() => sidecar.out.length > 1);
  expect(await ask("/a")).toMatch(/^404 envoy /);
  expect(await ask("/only")).toBe("200 envoy GET /only 36");

  await writeFile(file, bootstrap("/", "{ cluster: gone }"));
  sidecar.reload();
  await until(() => sidecar.err.length > 0);
  expect(sidecar.err[0]).toMatch(/stays as it was: .*there is no cluster "gone"/);
  expect(await ask("/only")).toBe("200 envoy GET /only 36");

  sidecar.stop();
  expect(await sidecar.ended).toBe(0);
  expect(sidecar.out.at(-1)).toBe("draining");
});

test("the example is sound", async () => {
  const file = path.join(import.meta.dirname, "../examples/sidecar.yaml");
  const example = start("--config-path", file, "--mode", "validate");
  expect([await example.ended, example.err]).toEqual([0, []]);
});

test("a limit of a listener's buffers is taken", async () => {
  const listener = "name: inbound\n      per_connection_buffer_limit_bytes: 4096";
  const yaml = bootstrap("/").replace("name: inbound", listener);
  const sidecar = start("--config-yaml", yaml, "--mode", "validate");
  expect([await sidecar.ended, sidecar.err]).toEqual([0, []]);
});

test("a sound configuration is said to be so, a wrong argument is one line and 2", async () => {
  const sound = start("--config-yaml", bootstrap("/"), "--mode", "validate");
  expect(await sound.ended).toBe(0);
  expect(sound.out[0]).toMatch(/^the configuration is sound: \w+/);
  for (const args of [
    [],
    ["--mode", "dance", "-c", "x"],
    ["--drain-time-s", "-1", "-c", "x"],
    ["--workers", "0", "-c", "x"],
    ["--workers", "many", "-c", "x"],
    ["--workers", "2", "--concurrency", "2", "-c", "x"],
    ["-z"],
  ]) {
    const wrong = start(...args);
    expect([await wrong.ended, wrong.err.length]).toEqual([2, 1]);
  }
  const missing = start("-c", path.join(folder, "nowhere.yaml"));
  expect(await missing.ended).toBe(1);
  expect(missing.err[0]).toContain("nowhere.yaml");
});

test("as a process: signals that come before it serves are honoured when it does", async () => {
  const file = path.join(folder, "process.fifo");
  execFileSync("mkfifo", [file]);
  const bin = path.join(import.meta.dirname, "../src/bin.ts");
  const args = ["--conditions=@compendium/source", bin, "-c", file];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  const ended = new Promise((resolve) => child.on("exit", (...how) => resolve(how)));
  // Opens when somebody reads: it has begun, and waits.
  const pipe = await open(file, "w");
  child.kill("SIGHUP");
  child.kill("SIGUSR1");
  await pipe.writeFile(bootstrap("/"));
  await pipe.close();
  // It reads once more, as it was told to.
  await until(() => out !== "" || err !== "");
  await writeFile(file, bootstrap("/again"));
  await until(() => out.split("\n").length > 2);
  expect(err).toBe("");
  child.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
});

test("as a process: signals reload, open logs anew, and end it with 0", async () => {
  const [file, log] = [path.join(folder, "process.yaml"), path.join(folder, "process.log")];
  await writeFile(file, operated(log));
  const bin = path.join(import.meta.dirname, "../src/bin.ts");
  const args = ["--conditions=@compendium/source", bin, "-c", file, "--drain-time-s", "1"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  const ended = new Promise((resolve) => child.on("exit", (...how) => resolve(how)));
  const lines = (count: number) => until(() => out.split("\n").length > count);
  await lines(2);
  const url = `http://${addressIn(out)}`;
  await (await fetch(`${url}/1`)).text();
  child.kill("SIGUSR1");
  await untilFile(log, "/1 200\n");
  child.kill("SIGHUP");
  await lines(4);
  await (await fetch(`${url}/2`)).text();
  child.kill("SIGTERM");
  expect([await ended, err]).toEqual([[0, null], ""]);
  expect(await readFile(log, "utf8")).toBe("/1 200\n/2 200\n");
});

const addressIn = (line = ""): string => /127\.0\.0\.1:\d+/.exec(line)?.[0] ?? "none";

test("an admin interface and an access log, moved away and opened anew, and an end that was asked for", async () => {
  const [log, old] = [path.join(folder, "access.log"), path.join(folder, "access.log.1")];
  const sidecar = start("--config-yaml", operated(log), "--log-level", "info");
  await until(() => sidecar.out.length > 1);
  const url = `http://${addressIn(sidecar.out[0])}`;
  const admin = `http://${addressIn(sidecar.out[1])}`;
  expect(sidecar.out[1]).toMatch(/^admin: /);
  expect(await (await fetch(`${admin}/ready`)).text()).toBe("LIVE\n");
  const info = await (await fetch(`${admin}/server_info`)).json();
  expect(info).toMatchObject({ version: expect.stringMatching(/^\d/), state: "LIVE" });

  await (await fetch(`${url}/first`)).text();
  // A line may wait a second for others; one that is reopened does not.
  sidecar.reopen();
  await untilFile(log, "/first 200\n");
  await rename(log, old);
  sidecar.reopen();
  await (await fetch(`${url}/second`)).text();
  await fetch(`${admin}/quitquitquit`, { method: "POST" });
  expect(await sidecar.ended).toBe(0);
  expect(await readFile(old, "utf8")).toBe("/first 200\n");
  expect(await readFile(log, "utf8")).toBe("/second 200\n");
  await expect(fetch(`${admin}/ready`)).rejects.toThrow();
});

async function untilFile(file: string, text: string): Promise<void> {
  while ((await readFile(file, "utf8").catch(() => "")) !== text) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

test("a level keeps lines away, and a wrong one is refused", async () => {
  const file = path.join(folder, "quiet.yaml");
  await writeFile(file, operated("/dev/null"));
  const quiet = start("-c", file, "-l", "error");
  const wrong = start("-c", file, "-l", "loud");
  expect(await wrong.ended).toBe(2);
  await until(quiet.isServing);
  expect(wrong.err[0]).toContain("--log-level must be one of debug, info, warning, error, off");
  await writeFile(file, "static_resources: 1");
  quiet.reload();
  await until(() => quiet.err.length > 0);
  expect(quiet.out).toEqual([]);
  quiet.stop();
  expect(await quiet.ended).toBe(0);
});

test("a port of its own for each worker is refused; one processor or all of them is a number", async () => {
  const many = start("--config-yaml", bootstrap("/"), "--concurrency", "2", "--mode", "validate");
  expect(await many.ended).toBe(1);
  expect(many.err[0]).toMatch(/listener inbound: has port 0, and each of 2 workers would get/);
  const fixed = bootstrap("/").replace("port_value: 0", "port_value: 8080");
  const auto = start("--config-yaml", fixed, "--workers", "auto", "--mode", "validate");
  expect([await auto.ended, auto.err]).toEqual([0, []]);
});
