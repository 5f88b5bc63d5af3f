// X9 in virtual time: the sidecar's own cluster, with its balancer and its outlier detection, as
// the demo's configuration sets it up, and a clock moved by hand. Calls take no time, and no
// network.
import { ManualClock, SeededRandom } from "@compendium/runtime";
import { compile, DataPlane, NodeCodec } from "@compendium/sidecar";
import { sidecarConfig } from "../src/mesh-config.ts";
import { failing } from "../src/preview.ts";
import type { X9Scenario } from "../src/x9-scenario.ts";

const STABLE_PORT = 1;
const CANARY_PORT = 2;

/** What came of it. */
export interface X9Simulation {
  calls: number;
  canaryCalls: number;
  failures: number;
  /** Calls of the canary, and its failures, when it was first put aside. */
  found: { calls: number; failures: number } | undefined;
  /** Calls of the canary after that. */
  canaryCallsAfterwards: number;
}

/** Sends so many calls at the scenario's rate, with detection or without. */
export async function simulateX9(
  scenario: X9Scenario,
  { detection, calls, seed }: { detection: boolean; calls: number; seed: number },
): Promise<X9Simulation> {
  const clock = new ManualClock();
  const random = new SeededRandom(seed);
  await using plane = new DataPlane({ clock, random, codec: new NodeCodec({ clock }) });
  const { weights, canary } = scenario;
  const at = (port: number, weight: number) => ({ host: "127.0.0.1", port, weight });
  const config = sidecarConfig({
    name: "preview",
    listen: { host: "127.0.0.1", port: 0 },
    admin: { host: "127.0.0.1", port: 0 },
    endpoints: [at(STABLE_PORT, weights.stable), at(CANARY_PORT, weights.canary)],
    ejectAfter: detection ? scenario.detection.consecutive5xx : undefined,
  });
  await plane.apply(compile(config));
  const cluster = plane.clusterOf("preview")?.cluster;
  if (cluster === undefined) throw new Error("there is no cluster");
  const isFailing = failing({ ...canary, seed });
  const seen: X9Simulation = {
    calls,
    canaryCalls: 0,
    failures: 0,
    found: undefined,
    canaryCallsAfterwards: 0,
  };
  for (let i = 0; i < calls; i++) {
    const host = cluster.choose({});
    if (host === undefined) throw new Error("there is no host");
    const isCanary = host.port === CANARY_PORT;
    const failed = isCanary && isFailing();
    seen.canaryCalls += Number(isCanary);
    seen.failures += Number(failed);
    if (seen.found !== undefined) seen.canaryCallsAfterwards += Number(isCanary);
    cluster.begin(host);
    cluster.end(host, failed ? 500 : 200, 0);
    if (host.isEjected) seen.found ??= { calls: seen.canaryCalls, failures: seen.failures };
    clock.advance(1_000 / scenario.load.ratePerSecond);
  }
  return seen;
}
