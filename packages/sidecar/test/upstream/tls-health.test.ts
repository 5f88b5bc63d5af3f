// Health checks of a cluster with TLS go by its connector: a host is well only if its certificate
// is one that requests would take as well.
import { createSecureServer } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { expect, test } from "vitest";
import type { HealthCheckConfig } from "../../src/config/cluster-config.ts";
import { healthCheck } from "../health/config.ts";
import { listenOn, startProxy } from "../proxy/harness.ts";
import { makeClient } from "../proxy/peers.ts";
import { Authority, Files, upstreamTls } from "../tls/files.ts";

const checks = {
  http: { kind: "http", host: "", path: "/healthz", expected: [[200, 201]] },
  tcp: { kind: "tcp", send: new Uint8Array(), receive: new Uint8Array() },
} as const satisfies Record<string, HealthCheckConfig["check"]>;

test.each([
  ["http1", "http"],
  ["http1", "tcp"],
  ["http2", "http"],
] as const)(
  "a cluster of %s, asked by %s: the right certificate is well, another is not",
  async (protocol, kind) => {
    using files = new Files();
    const ours = new Authority("ours");
    const caFile = files.write("ca.crt", ours.ca);
    const standings: boolean[] = [];
    for (const authority of [ours, new Authority("theirs")]) {
      const { certificate: cert, key } = authority.member("app");
      const listener = (_request: unknown, response: { end(text: string): void }): void => {
        response.end("well");
      };
      const server =
        protocol === "http2"
          ? createSecureServer({ cert, key }, listener)
          : createHttpsServer({ cert, key }, listener);
      server.on("tlsClientError", () => {});
      const port = await listenOn(server);
      const healthChecks = [healthCheck({ check: checks[kind] })];
      const tls = upstreamTls({ caFile });
      const cluster = { protocol, tls, healthChecks, panicThreshold: 0 };
      await using proxy = await startProxy({ upstreamPorts: [port], cluster });
      const [host] = proxy.plane.clusterOf("backend")!.cluster.hosts.hosts();
      standings.push(host!.isHealthy);
      using client = makeClient("h1", proxy.port);
      expect((await client.send({})).status).toBe(host!.isHealthy ? 200 : 503);
      server.close();
    }
    expect(standings).toEqual([true, false]);
  },
);
