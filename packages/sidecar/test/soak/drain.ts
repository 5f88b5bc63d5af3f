// A process that is asked to end under load. Clients are told to leave (`Connection: close`,
// GOAWAY) and finish what they have begun: everything that was asked is answered, and the process
// ends with 0. The same by the admin interface, which first asks clients to leave, and goes on
// serving.
import { request } from "node:http";
import { Authority, Files } from "../tls/files.ts";
import { clientKinds, makeLoadClient } from "./clients.ts";
import { documentOf, usualFilters } from "./document.ts";
import { startHosts } from "./hosts.ts";
import { Load } from "./load.ts";
import { startProcess } from "./process.ts";

export interface DrainOptions {
  readonly seed: number;
  /**
   * `graceful`: clients are asked to leave by the admin interface, served for as long as they come
   * back, and gone when SIGTERM comes.
   */
  readonly way: "sigterm" | "graceful";
  /** Requests before it begins. */
  readonly requestsBefore?: number;
}

export interface DrainReport {
  readonly requests: number;
  readonly failures: readonly string[];
  /** Clients that came back and found nobody: all of those that did not fail. */
  readonly turnedAway: number;
  readonly code: number | null;
  readonly said: string;
  /** From SIGTERM to the end. */
  readonly tookMs: number;
}

export async function drainUnderLoad(options: DrainOptions): Promise<DrainReport> {
  const { seed, way, requestsBefore = 200 } = options;
  using files = new Files();
  const group = new Authority("group");
  const caFile = files.write("ca.crt", group.ca);
  const tls = { ...files.pair("proxy", group.member("proxy", ["127.0.0.1", "localhost"])), caFile };
  await using hosts = await startHosts(group, seed);
  const routes = [
    ["/load.Echo/", "grpc"],
    ["/secure", "secure"],
    ["/", "app"],
  ] as const;
  const more = { routes, filters: usualFilters };
  using running = await startProcess(
    files,
    documentOf({
      hasAdmin: true,
      listeners: [
        { name: "plain", ...more },
        { name: "tls", tls, ...more },
      ],
      clusters: [
        { name: "app", ports: hosts.app, protocol: "http1" },
        { name: "secure", ports: hosts.secure, protocol: "http1", tls },
        { name: "grpc", ports: hosts.grpc, protocol: "http2" },
      ],
    }),
  );
  const member = group.member("client");
  const portOf = (name: string): number => running.ports.get(name) as number;
  const clients = clientKinds.flatMap((kind) => [
    makeLoadClient(kind, { port: portOf("plain"), path: "/app" }),
    makeLoadClient(kind, { port: portOf("tls"), path: "/secure", member }),
  ]);
  const load = new Load(clients, 3);
  await load.more(requestsBefore);
  if (way === "graceful") {
    await post(portOf("admin"), "/drain_listeners?graceful");
    await load.more(requestsBefore);
    await load.stop();
  }
  const stoppedAt = performance.now();
  running.stop();
  await load.left();
  const { code, said } = await running.ended;
  const { requests, failures, turnedAway } = load;
  return { requests, failures, turnedAway, code, said, tookMs: performance.now() - stoppedAt };
}

function post(port: number, target: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path: target, method: "POST", agent: false };
    const asked = request(options, (response) => response.resume().once("end", resolve));
    asked.on("error", reject);
    asked.end();
  });
}
