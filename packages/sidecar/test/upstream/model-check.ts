// A cluster at work through a random history: names that change, hosts that fail and return,
// requests that begin and end, time that passes. After each step what must hold is looked at, and
// in the end nothing may be left.
import assert from "node:assert/strict";
import { SeededRandom } from "@compendium/runtime";
import { isAvailable } from "../../src/cluster/host.ts";
import type { UpstreamCluster } from "../../src/upstream/upstream-cluster.ts";
import { healthCheck } from "../health/config.ts";
import { defaults as outliers } from "../outlier/config.ts";
import { type FakeConnection, type FakeUpstream, hostsOf, setUpUpstream } from "./upstream.ts";

const IPS = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"];
const STEPS = 60;

interface Run extends FakeUpstream {
  readonly random: SeededRandom;
  /** Requests that have begun, by their connection. */
  readonly underWay: FakeConnection[];
}

/** Throws where something does not hold; the seed says it all. */
export async function checkUpstreamSeed(
  seed: number,
  Upstream?: typeof UpstreamCluster,
): Promise<void> {
  const random = new SeededRandom(seed);
  const config = {
    discovery: "strict-dns",
    endpoints: hostsOf("app.test"),
    panicThreshold: 0,
    outliers: { ...outliers, ejectionPercentMax: 60 },
    ...(random.below(2) === 0 ? { connectionLifetimeMs: 7_000 } : {}),
    ...(random.below(3) > 0 ? { healthChecks: [healthCheck({ unhealthyThreshold: 1 })] } : {}),
  } as const;
  const run: Run = { ...setUpUpstream(config, Upstream), random, underWay: [] };
  run.upstream.start();
  for (let i = 0; i < STEPS; i++) {
    await step(run);
    await run.clock.advanceAsync(0);
    check(run);
  }
  await end(run);
}

async function step(run: Run): Promise<void> {
  const { random, resolver, network, clock, underWay, upstream, send } = run;
  switch (random.below(8)) {
    case 0: {
      const told = IPS.filter(() => random.below(2) === 0);
      resolver.tell("app.test", random.below(6) === 0 ? "failure" : told);
      break;
    }
    case 1: {
      const address = `${IPS[random.below(IPS.length)]}:80`;
      if (!network.down.delete(address)) network.down.add(address);
      break;
    }
    case 2:
    case 3:
      for (let i = random.below(4); i >= 0; i--) {
        const connection = await send(random.below(3) === 0 ? "high" : "default");
        if (connection !== undefined) underWay.push(connection);
      }
      break;
    case 4:
    case 5:
      for (let i = random.below(4); i >= 0 && underWay.length > 0; i--) {
        underWay.splice(random.below(underWay.length), 1)[0]?.endStream();
      }
      break;
    case 6: {
      const host = [...upstream.cluster.hosts.hosts()].at(random.below(4));
      for (let i = 0; host && i < 5; i++) {
        upstream.cluster.begin(host);
        upstream.cluster.end(host, 503, 1);
      }
      break;
    }
    default:
      await clock.advanceAsync(random.below(12_000));
  }
}

function check({ upstream, network }: Run): void {
  const { cluster } = upstream;
  const { default: usual, high } = cluster.breakers;
  assert.equal(usual.active("connections") + high.active("connections"), network.living.length);
  assert.equal(usual.active("pending") + high.active("pending"), 0);
  for (const { host, isDraining } of network.living) {
    // Whoever has left keeps no connection that would take another request.
    if (cluster.hosts.get(host.address) !== host) assert.ok(isDraining, `${host.address} stays`);
  }
  const chosen = cluster.choose({});
  if (chosen === undefined) assert.equal(cluster.availableHosts, 0);
  else assert.ok(isAvailable(chosen) && cluster.hosts.get(chosen.address) === chosen);
}

async function end(run: Run): Promise<void> {
  const { random, resolver, network, clock, underWay, upstream } = run;
  // Left alone for long enough, it is what DNS and health checks say.
  const told = IPS.filter(() => random.below(2) === 0);
  resolver.tell("app.test", told);
  await clock.advanceAsync(400_000);
  const isAsked = upstream.config.healthChecks.length > 0;
  for (const host of upstream.cluster.hosts.hosts()) {
    const isTold = told.includes(host.address.replace(":80", ""));
    assert.ok(isTold || (isAsked && host.isHealthy), `${host.address} is nobody's host`);
    if (isAsked) assert.equal(host.isHealthy, !network.down.has(host.address));
    assert.equal(host.isEjected, false);
  }
  for (const ip of told) assert.ok(upstream.cluster.hosts.get(`${ip}:80`));
  upstream.drain();
  for (const connection of underWay) connection.endStream();
  await clock.advanceAsync(0);
  assert.deepEqual([network.living.length, clock.pendingTimers], [0, 0]);
  assert.ok(run.drained() > 0);
}
