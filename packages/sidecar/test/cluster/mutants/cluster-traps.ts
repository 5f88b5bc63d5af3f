// Short programs on a copy of priorities, subsets, breakers, the cluster and the health check.
import assert from "node:assert/strict";
import { ManualClock, SeededRandom } from "@compendium/runtime";
import { type Host, makeHost } from "../../../src/cluster/host.ts";
import type { HostGroup } from "../../../src/cluster/host-set.ts";
import type { ClusterConfig } from "../../../src/config/cluster-config.ts";
import type { Probe } from "../../../src/health/health-checker.ts";
import { makeGroup, settingsOf, spread, zeroNumbers } from "../../balance/helpers.ts";
import { defaults } from "../../outlier/config.ts";
import { clusterConfig, endpoint, locality } from "../config.ts";
import type { Subject } from "./subject.ts";

type Trap = (subject: Subject) => void | Promise<void>;

// Each point of a hundred once.
const everyPoint = () => {
  let next = 0;
  return { below: (n: number) => next++ % n };
};

function regions(subject: Subject, groups: readonly HostGroup[], locality = false) {
  const settings = settingsOf({ random: everyPoint(), usesLocalityWeights: locality });
  const { PriorityBalancer } = subject.priorityBalancer;
  const balancer = new PriorityBalancer(groups, settings, zeroNumbers());
  // The first choices make the pickers, which draw as well.
  for (let i = 0; i < 100; i++) balancer.choose({});
  const counts = new Map<string, number>();
  for (let i = 0; i < 100; i++) {
    const name = balancer.choose({})!.locality.region;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

function makeCluster({ cluster }: Subject, more: Partial<ClusterConfig> = {}) {
  const config = clusterConfig({
    endpoints: [locality([endpoint("a"), endpoint("b"), endpoint("c")])],
    ...more,
  });
  return new cluster.Cluster({ config, clock: new ManualClock(), random: new SeededRandom(1) });
}

const chosen = (cluster: ReturnType<typeof makeCluster>, context = {}): Set<Host | undefined> =>
  new Set(Array.from({ length: 40 }, () => cluster.choose(context)));

export const clusterTraps: readonly Trap[] = [
  function tables({ priorities }) {
    const options = { overprovisioningFactor: 140, panicThreshold: 50 };
    const rows: [number[], number[], boolean[]][] = [
      [
        [100, 100],
        [100, 0],
        [false, false],
      ],
      [
        [71, 71],
        [99, 1],
        [false, false],
      ],
      [
        [25, 100],
        [35, 65],
        [false, false],
      ],
      [
        [25, 25],
        [50, 50],
        [true, true],
      ],
      [
        [5, 65],
        [8, 92],
        [true, false],
      ],
    ];
    for (const [available, loads, panics] of rows) {
      const levels = available.map((each) => ({ hosts: 100, available: each }));
      assert.deepEqual(priorities.distributeLoad(levels, options), { loads, panics });
    }
    const strict = { overprovisioningFactor: 100, panicThreshold: 50 };
    const half = priorities.distributeLoad([{ hosts: 2, available: 1 }], strict);
    assert.deepEqual(half.panics, [false]);
    const uneven = [1, 3].map((hosts) => ({ hosts, available: 0 }));
    assert.deepEqual(priorities.distributeLoad(uneven, options).loads, [25, 75]);
  },

  function loadsToTheLastPercent(subject) {
    const counts = regions(subject, [makeGroup(20, 10), makeGroup(20, 20, { priority: 1 })]);
    assert.equal(counts.get("p0"), 70);
    const upsideDown = [makeGroup(20, 20, { priority: 1 }), makeGroup(20, 20)];
    assert.equal(regions(subject, upsideDown).get("p0"), 100);
  },

  function panicTakesAll(subject) {
    const group = makeGroup(10, 2);
    const { PriorityBalancer } = subject.priorityBalancer;
    const balancer = new PriorityBalancer([group], settingsOf(), zeroNumbers());
    const all = new Set(Array.from({ length: 40 }, () => balancer.choose({})));
    assert.equal(all.size, 10);
  },

  function localitiesCede(subject) {
    const x = makeGroup(100, 25, { weight: 1, name: "x" });
    const y = makeGroup(100, 100, { weight: 2, name: "y" });
    assert.ok(Math.abs(regions(subject, [x, y], true).get("x")! - 15) <= 2);
    const whole = makeGroup(100, 80, { weight: 1, name: "x" });
    assert.ok(Math.abs(regions(subject, [whole, y], true).get("x")! - 33) <= 2);
  },

  function placesOfATable({ priorityBalancer }) {
    const groups = [
      makeGroup(9, 9, { weight: 1, name: "x" }),
      makeGroup(1, 1, { weight: 1, name: "y" }),
    ];
    const balancer = { kind: "maglev", tableSize: 251 } as const;
    const settings = settingsOf({ balancer, usesLocalityWeights: true });
    const chooser = new priorityBalancer.PriorityBalancer(groups, settings, zeroNumbers());
    const next = spread(3);
    let inX = 0;
    for (let i = 0; i < 1_000; i++) {
      if (chooser.choose({ hash: next() })!.locality.region === "x") inX++;
    }
    assert.ok(Math.abs(inX - 500) < 80);
  },

  function triedHosts({ priorityBalancer }) {
    const group = makeGroup(3, 3);
    for (const kind of ["round-robin", "random"] as const) {
      const settings = settingsOf({ balancer: { kind } });
      const balancer = new priorityBalancer.PriorityBalancer([group], settings, zeroNumbers());
      let asked = 0;
      balancer.choose({ hostSelectionAttempts: 4, tried: () => ++asked > 0 });
      assert.equal(asked, 4);
      const tried = (host: Host) => host === group.hosts[0];
      const context = { hostSelectionAttempts: 30, tried };
      for (let i = 0; i < 30; i++) assert.notEqual(balancer.choose(context), group.hosts[0]);
    }
  },

  function subsets(subject) {
    const at = (name: string, metadata: Record<string, string>) => endpoint(name, { metadata });
    const cluster = makeCluster(subject, {
      endpoints: [
        locality([at("a", { v: "1", s: "x" }), at("b", { v: "1" }), at("c", { s: "x" })]),
      ],
      subsets: { selectors: [["v"], ["s", "v"]], fallback: "default", default: { s: "x", v: "1" } },
    });
    const [a, b] = cluster.hosts.hosts();
    assert.deepEqual(chosen(cluster, { subset: { v: "1" } }), new Set([a, b]));
    assert.deepEqual(chosen(cluster, { subset: { v: "1", s: "x" } }), new Set([a]));
    assert.deepEqual(chosen(cluster, { subset: { v: "2" } }), new Set([a]));
    assert.equal(cluster.numbers.subsetFallbacks, 40);
  },

  function updatesKeepHosts(subject) {
    const cluster = makeCluster(subject);
    const [a, b, c] = cluster.hosts.hosts();
    assert.deepEqual(chosen(cluster), new Set([a, b, c]));
    const { removed } = cluster.update([locality([endpoint("b", { weight: 4 })])]);
    assert.equal(cluster.hosts.get("b:80"), b);
    assert.equal(b!.weight, 4);
    assert.deepEqual(removed, [a, c]);
    assert.deepEqual(chosen(cluster), new Set([b]));
  },

  function ejectionsReachTheBalancer(subject) {
    const outliers = { ...defaults, ejectionPercentMax: 50 };
    const cluster = makeCluster(subject, { outliers });
    const [a, b, c] = cluster.hosts.hosts();
    chosen(cluster);
    for (let i = 0; i < 5; i++) {
      cluster.begin(a!);
      cluster.end(a!, 500, 1);
      cluster.begin(b!);
      cluster.end(b!, "cancelled", 1);
    }
    assert.deepEqual(chosen(cluster), new Set([b, c]));
    assert.equal(a!.numbers.activeRequests + b!.numbers.activeRequests, 0);
    assert.equal(b!.numbers.failures, 0);
  },

  function limits({ breakers }) {
    const { Breakers } = breakers;
    const thresholds = { connectionsMax: 1, pendingMax: 99, requestsMax: 99, retriesMax: 1 };
    const plain = new Breakers({ ...thresholds, retryBudget: undefined });
    assert.ok(plain.take("connections"));
    assert.ok(!plain.take("connections"));
    plain.give("connections");
    assert.ok(plain.take("connections"));
    const budget = new Breakers({ ...thresholds, retryBudget: { percent: 20, retriesMin: 3 } });
    assert.equal(budget.limit("retries"), 3);
    for (let i = 0; i < 15; i++) budget.take("requests");
    for (let i = 0; i < 10; i++) budget.take("pending");
    assert.equal(budget.limit("retries"), 5);
  },

  async function healthOfAHost({ health }) {
    const clock = new ManualClock();
    const host = makeHost({ address: "a:1", port: 1 });
    let isHealthy = false;
    const answers = "+x+-+x--+++?+".split("");
    const probe: Probe = async () => {
      const answer = answers.shift();
      if (answer === "-") throw new Error("lost");
      if (answer === "?") await new Promise<void>((end) => clock.setTimer(clock.now() + 60, end));
      return answer === "x" ? "unhealthy" : "healthy";
    };
    const checker = new health.HealthChecker({
      host,
      config: {
        timeoutMs: 50,
        intervalMs: 100,
        intervalJitterMs: 0,
        noTrafficIntervalMs: 100,
        unhealthyIntervalMs: 100,
        unhealthyThreshold: 1,
        healthyThreshold: 2,
        check: { kind: "tcp", send: new Uint8Array(), receive: new Uint8Array() },
      },
      probe,
      clock,
      random: new SeededRandom(1),
      hasTraffic: () => true,
      onChecked: (each) => {
        isHealthy = each;
      },
    });
    checker.start();
    let seen = "";
    for (let i = 0; i < 12; i++) {
      await clock.advanceToAsync(i * 100);
      seen += isHealthy ? "+" : "-";
      // Only the pause; the last probe is still out.
      if (i < 11) assert.equal(clock.pendingTimers, 1);
    }
    assert.equal(seen, "+--------+++");
    // The last probe is late: at 1,150 it is lost, and what it says at 1,160 is not heard.
    await clock.advanceToAsync(1_200);
    assert.equal(isHealthy, false);
    const expected = { attempts: 12, successes: 6, failures: 6, networkFailures: 4 };
    assert.deepEqual(checker.numbers, expected);
    checker[Symbol.dispose]();
    assert.equal(clock.pendingTimers, 0);
  },
];
