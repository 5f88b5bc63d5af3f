// The command as a person starts it: what it says, what it serves, how it reloads and stops.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { runCli } from "@compendium/sidecar";
import { afterAll, beforeAll, expect, test } from "vitest";

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

interface Running {
  readonly out: string[];
  readonly err: string[];
  readonly ended: Promise<number>;
  readonly stop: () => void;
  readonly reload: () => void;
}

function start(...args: string[]): Running {
  const [out, err]: [string[], string[]] = [[], []];
  const stop = new AbortController();
  let reload = (): void => {};
  const ended = runCli(args, {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    signal: stop.signal,
    onReload: (call) => {
      reload = call;
    },
  });
  return { out, err, ended, stop: () => stop.abort(), reload: () => reload() };
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

test("what is understood and not carried out is refused by name, all of it", async () => {
  const type = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";
  const log = `{ name: file, typed_config: { "@type": ${type}, path: /dev/null } }`;
  const tcp = `"@type": ${v3}.network.tcp_proxy.v3.TcpProxy, stat_prefix: tcp, cluster: app`;
  const filter = `- { name: tcp, typed_config: { ${tcp}, access_log: [${log}] } }\n  clusters:`;
  const yaml = bootstrap("/").replace(/- name: envoy.filters.network[^]*\n {2}clusters:/, filter);
  const sidecar = start("--config-yaml", yaml, "--mode", "validate");
  expect(await sidecar.ended).toBe(1);
  expect(sidecar.err.join("\n")).toContain(
    "listener inbound: an access log of a TCP proxy is understood and not carried out yet",
  );
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
    ["-z"],
  ]) {
    const wrong = start(...args);
    expect([await wrong.ended, wrong.err.length]).toEqual([2, 1]);
  }
  const missing = start("-c", path.join(folder, "nowhere.yaml"));
  expect(await missing.ended).toBe(1);
  expect(missing.err[0]).toContain("nowhere.yaml");
});
