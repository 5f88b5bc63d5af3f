// Documents for several workers, the processes that run them, and clients that look at both.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { listenOn } from "../proxy/harness.ts";

const v3 = "type.googleapis.com/envoy.extensions";

export interface DocumentOptions {
  readonly port: number;
  readonly upstreamPort: number;
  /** Where lines go. */
  readonly log?: string;
  /** In the answer's header "edition". */
  readonly edition?: string;
}

/** One listener, one cluster, and an admin interface wherever there is room. */
export function documentOf({ port, upstreamPort, log, edition = "1" }: DocumentOptions): string {
  const address = (port_value: number) => ({
    socket_address: { address: "127.0.0.1", port_value },
  });
  const line = `%REQ(:PATH)% ${"x".repeat(1_000)} end\n`;
  const access_log = log && [
    {
      name: "file",
      typed_config: {
        "@type": `${v3}.access_loggers.file.v3.FileAccessLog`,
        path: log,
        log_format: { text_format_source: { inline_string: line } },
      },
    },
  ];
  const router = { "@type": `${v3}.filters.http.router.v3.Router` };
  const manager = {
    "@type": `${v3}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "inbound",
    // Clients that keep idle connections are not waited for five seconds.
    drain_timeout: "0.2s",
    ...(access_log && { access_log }),
    http_filters: [{ name: "envoy.filters.http.router", typed_config: router }],
    route_config: {
      response_headers_to_add: [{ header: { key: "edition", value: edition } }],
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [{ match: { prefix: "/" }, route: { cluster: "app" } }],
        },
      ],
    },
  };
  const filters = [
    { name: "envoy.filters.network.http_connection_manager", typed_config: manager },
  ];
  return JSON.stringify({
    admin: { address: address(0) },
    static_resources: {
      listeners: [{ name: "inbound", address: address(port), filter_chains: [{ filters }] }],
      clusters: [
        {
          name: "app",
          load_assignment: {
            cluster_name: "app",
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(upstreamPort) } }] }],
          },
        },
      ],
    },
  });
}

/** A port that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenOn(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface Command extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly file: string;
  readonly folder: string;
  readonly out: () => string;
  readonly err: () => string;
  readonly ended: Promise<[code: number | null, signal: string | null]>;
  readonly admin: (target: string, method?: string) => Promise<{ status: number; body: string }>;
  readonly rewrite: (document: string) => void;
}

/** The command as a process, once it has said where its admin interface is. */
export async function startCommand(
  document: (folder: string) => string,
  ...args: string[]
): Promise<Command> {
  const folder = mkdtempSync(path.join(tmpdir(), "sidecar-workers-"));
  const file = path.join(folder, "sidecar.json");
  const rewrite = (text: string): void => writeFileSync(file, text);
  rewrite(document(folder));
  const bin = path.join(import.meta.dirname, "../../src/bin.ts");
  const node = ["--conditions=@compendium/source", bin, "-c", file, ...args];
  const child = spawn(process.execPath, node, { stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  const ended: Command["ended"] = new Promise((resolve) => {
    child.on("exit", (...how) => resolve(how));
  });
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  await until(() => isOver || out.includes("admin: "));
  const admin = (target: string, method = "GET") => {
    const [, port] = /admin: 127\.0\.0\.1:(\d+)/.exec(out) ?? [];
    return ask({ port: Number(port), path: target, method });
  };
  return {
    process: child,
    file,
    folder,
    out: () => out,
    err: () => err,
    ended,
    admin,
    rewrite,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

export interface Asked {
  readonly port: number;
  readonly path?: string;
  readonly method?: string;
  readonly agent?: Agent | false;
}

export function ask({ port, path: target = "/", method = "GET", agent = false }: Asked): Promise<{
  status: number;
  body: string;
  edition: string;
}> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path: target, method, agent });
    asked.on("error", reject);
    asked.on("response", (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => {
        const { edition = "" } = response.headers;
        resolve({ status: response.statusCode ?? 0, body, edition: String(edition) });
      });
      response.on("error", reject);
    });
    asked.end();
  });
}

/** A client that keeps one connection. */
export function keptAgent(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1 });
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Whether anybody listens there. */
export function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
