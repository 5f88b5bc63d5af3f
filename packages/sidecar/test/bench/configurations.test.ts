// What each proxy of the bench runs with is what its program takes.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireOrSkip } from "@compendium/metrics/testing";
import { afterAll, describe, expect, test } from "vitest";
import { makeIdentity } from "../../bench/identity.ts";
import { peers } from "../../bench/proxies/proxies.ts";
import type { Setting } from "../../bench/proxies/setting.ts";
import { sidecarConfig } from "../../bench/proxies/sidecar-config.ts";
import { compileText } from "../../src/config/compile.ts";

const folder = mkdtempSync(join(tmpdir(), "sidecar-bench-"));
afterAll(() => rmSync(folder, { recursive: true }));

const identity = makeIdentity(folder);
const settings: [string, Setting][] = [
  ["HTTP/1.1", { protocol: "http1", upstreamPort: 8_080 }],
  ["gRPC", { protocol: "grpc", upstreamPort: 8_080 }],
  ["TLS", { protocol: "http1", upstreamPort: 8_080, tls: identity }],
];

describe("the sidecar's example", () => {
  for (const [name, setting] of settings) {
    test(`compiles for ${name}`, () => {
      const { listeners, clusters } = compileText(sidecarConfig(setting));
      const listener = listeners.get("inbound");
      expect(listener?.port).toBe(0);
      const tls = JSON.stringify(listener?.filterChains[0]?.tls ?? {});
      expect(tls.includes(identity.keyFile)).toBe(setting.tls !== undefined);
      const cluster = clusters.get("app");
      expect(cluster?.protocol).toBe(setting.protocol === "grpc" ? "http2" : "http1");
      expect(cluster?.endpoints[0]?.endpoints[0]?.port).toBe(8_080);
    });
  }
});

const checks = { haproxy: ["-c", "-f"], nginx: ["-t", "-c"] };
describe.each(Object.entries(checks))("%s takes its own configuration", (program, flags) => {
  for (const [name, setting] of settings) {
    test(`for ${name}`, async (context) => {
      const peer = peers.find((each) => each.name === program);
      const missing = peer?.missing(setting);
      const how = `apt-get install ${program}`;
      requireOrSkip(context, { name: program, present: missing === undefined, how });
      const { command = [] } = (await peer?.command(setting, folder)) ?? {};
      const args = [...flags, command.at(-1) as string];
      const { status, stderr } = spawnSync(command[0] as string, args, { encoding: "utf8" });
      expect({ status, stderr }).toMatchObject({ status: 0 });
    });
  }
});
