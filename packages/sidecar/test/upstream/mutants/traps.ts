// Short programs on a copy of discovery, health, pools, upkeep and the table of clusters.
import assert from "node:assert/strict";
import { ManualClock, SeededRandom } from "@compendium/runtime";
import { makeHost } from "../../../src/cluster/host.ts";
import { addressOf } from "../../../src/cluster/host-set.ts";
import type { ClusterConfig } from "../../../src/config/cluster-config.ts";
import { clusterConfig } from "../../cluster/config.ts";
import { FakeResolver } from "../../discovery/fake-resolver.ts";
import { healthCheck } from "../../health/config.ts";
import { defaults as outliers } from "../../outlier/config.ts";
import { type FakeConnection, FakeNetwork, hostsOf, setUpUpstream } from "../upstream.ts";
import type { Subject } from "./subject.ts";

type Trap = (subject: Subject) => Promise<void>;

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function setUpDns({ dns }: Subject, ...names: string[]) {
  const clock = new ManualClock();
  const resolver = new FakeResolver();
  const told: string[] = [];
  let ready = 0;
  const found = new dns.StrictDns({
    endpoints: hostsOf(...names),
    refreshMs: 5_000,
    family: "auto",
    resolver,
    clock,
    random: new SeededRandom(1),
    onEndpoints: (all) => told.push(all.flatMap((one) => one.endpoints.map(addressOf)).join(" ")),
    onReady: () => {
      ready++;
    },
  });
  return { clock, resolver, told, found, readies: () => ready };
}

/** A cluster of the copy, running; it may begin with an answer of DNS. */
async function setUpRunning({ upstream }: Subject, more: Partial<ClusterConfig>, ...ips: string[]) {
  const running = setUpUpstream(more, upstream.UpstreamCluster);
  running.resolver.tell("app.test", ips);
  running.upstream.start();
  await running.clock.advanceAsync(0);
  return running;
}

const named = { discovery: "strict-dns", endpoints: hostsOf("app.test") } as const;

export const traps: readonly Trap[] = [
  async function answersOfDns(subject) {
    const { clock, resolver, told, found, readies } = setUpDns(subject, "app.test");
    resolver.tell("app.test", ["10.0.0.2", "10.0.0.1"]);
    found.start();
    await clock.advanceAsync(0);
    resolver.tell("app.test", ["10.0.0.1", "10.0.0.2"]);
    await clock.advanceAsync(5_000);
    resolver.tell("app.test", "failure");
    await clock.advanceAsync(60_000);
    assert.deepEqual(told, ["", "10.0.0.1:80 10.0.0.2:80"]);
    assert.equal(readies(), 1);
    resolver.tell("app.test", []);
    await clock.advanceAsync(5_000);
    assert.equal(told.at(-1), "");
    // All is well again, and the pauses are the usual ones.
    const { length } = resolver.asked;
    await clock.advanceAsync(50_000);
    assert.equal(resolver.asked.length, length + 10);
  },

  async function troubleWithDns(subject) {
    const { clock, resolver, told, found, readies } = setUpDns(subject, "a.test", "app.test");
    resolver.tell("app.test", "failure");
    found.start();
    await clock.advanceAsync(60_000);
    // Half a second, one, two, four, and then five, each between a half and the whole of it.
    const tries = resolver.asked.filter((name) => name === "app.test").length;
    assert.ok(tries >= 14 && tries <= 28, `${tries} lookups in a minute`);
    assert.equal(readies(), 1);
    const late = Promise.withResolvers<{ address: string; family: number }[]>();
    const resolve = resolver.resolve.bind(resolver);
    resolver.resolve = () => late.promise;
    await clock.advanceAsync(5_000);
    resolver.resolve = resolve;
    await clock.advanceAsync(10_000);
    late.resolve([{ address: "10.6.6.6", family: 4 }]);
    await settled();
    assert.ok(!told.join().includes("10.6.6.6"));
    resolver.tell("app.test", ["10.0.0.1"]);
    const calls = told.length;
    resolver.tell("a.test", "silence");
    await clock.advanceAsync(5_000);
    found[Symbol.dispose]();
    const after = told.length;
    assert.ok(after > calls);
    await clock.advanceAsync(60_000);
    assert.deepEqual([told.length, clock.pendingTimers], [after, 0]);
  },

  async function dnsIsDisposedInTheMiddle(subject) {
    const { clock, resolver, told, found } = setUpDns(subject, "app.test");
    resolver.tell("app.test", ["10.0.0.1"]);
    found.start();
    found[Symbol.dispose]();
    await settled();
    assert.deepEqual([told, clock.pendingTimers], [[""], 0]);
  },

  async function whoIsWellLingers(subject) {
    const { clock, network, resolver, upstream, chosen, send } = await setUpRunning(
      subject,
      { ...named, healthChecks: [healthCheck({ unhealthyThreshold: 1 })] },
      "10.0.0.1",
      "10.0.0.2",
      "10.0.0.3",
    );
    await send();
    network.down.add("10.0.0.3:80");
    await clock.advanceAsync(60_000);
    resolver.tell("app.test", ["10.0.0.2"]);
    await clock.advanceAsync(5_000);
    assert.deepEqual(chosen(), ["10.0.0.1:80", "10.0.0.2:80"]);
    assert.equal(upstream.cluster.hosts.size, 2);
    network.down.add("10.0.0.1:80");
    await clock.advanceAsync(60_000);
    assert.equal(upstream.cluster.hosts.size, 1);
    upstream.destroy();
    assert.ok(clock.pendingTimers <= network.living.length);
  },

  async function allChecksMustPass({ health }) {
    const clock = new ManualClock();
    const checks = [healthCheck(), healthCheck()];
    const host = makeHost({ address: "a:1", port: 1, isHealthy: false });
    let isSecondWell = false;
    const all = new health.ClusterHealth({
      checks,
      probeOf: (config) => async () =>
        config === checks[0] || isSecondWell ? "healthy" : "unhealthy",
      clock,
      random: new SeededRandom(1),
      hasTraffic: () => true,
      onChecked: () => {},
    });
    all.follow({ added: [host], removed: [] });
    assert.equal(all.isJudged, false);
    await clock.advanceAsync(0);
    assert.deepEqual([all.isJudged, host.isHealthy], [true, false]);
    isSecondWell = true;
    await clock.advanceAsync(10_000);
    assert.deepEqual([host.isHealthy, host.healthySinceMs], [true, 7_000]);
    const { attempts } = all.numbers;
    all.follow({ added: [], removed: [host] });
    assert.equal(clock.pendingTimers, 0);
    assert.equal(all.numbers.attempts, attempts);
  },

  async function pools(subject) {
    const { clock, upstream, network, send } = await setUpRunning(subject, {
      endpoints: hostsOf("a"),
      connectionLifetimeMs: 1_000,
      outliers: {
        ...outliers,
        splitsLocalOrigin: true,
        consecutiveLocalOriginFailure: 2,
        ejectionPercentMax: 100,
      },
    });
    const first = await send();
    first?.endStream();
    const high = await send("high");
    assert.notEqual(high, first);
    const { breakers } = upstream.cluster;
    assert.equal(breakers.high.active("connections"), 1);
    assert.equal(upstream.choose({}, "http/1.1", "high")?.breakers, breakers.high);
    const [host] = upstream.cluster.hosts.hosts();
    for (let i = 0; i < 3; i++) {
      upstream.cluster.begin(host!);
      upstream.cluster.end(host!, "connect-failed", 1);
      (await send("high"))?.endStream();
    }
    assert.equal(host!.isEjected, false);
    clock.advance(1_000);
    assert.deepEqual([first?.isClosed, high?.isClosed, high?.isDraining], [true, false, true]);
    await send();
    upstream.destroy();
    await settled();
    assert.deepEqual([network.living.length, clock.pendingTimers], [0, 0]);
  },

  async function whoLeavesOrFails(subject) {
    const { clock, upstream, network, chosen, send } = await setUpRunning(subject, {
      endpoints: hostsOf("a"),
      outliers: { ...outliers, ejectionPercentMax: 100 },
      healthChecks: [healthCheck({ unhealthyThreshold: 1 })],
      panicThreshold: 0,
    });
    const busy = await send();
    for (let i = 0; i < 5; i++) {
      upstream.cluster.begin(busy!.host);
      upstream.cluster.end(busy!.host, 503, 1);
    }
    assert.deepEqual([busy!.isDraining, busy!.isClosed, chosen()], [true, false, ["none"]]);
    clock.advance(40_000);
    assert.deepEqual(chosen(), ["a:80"]);
    const later = await send();
    network.down.add("a:80");
    await clock.advanceAsync(60_000);
    assert.deepEqual([later?.isDraining, chosen()], [true, ["none"]]);
    network.down.clear();
    await clock.advanceAsync(10_000);
    const last = await send();
    const next = { ...upstream.config, endpoints: hostsOf("b") };
    upstream.prepare(next);
    assert.ok(upstream.cluster.hosts.get("a:80"), "who serves has gone before its successor came");
    upstream.update(next);
    assert.deepEqual([last?.isDraining, last?.isClosed], [true, false]);
    upstream.destroy();
    assert.equal(last?.isClosed, true);
  },

  async function drained(subject) {
    const running = await setUpRunning(subject, { endpoints: hostsOf("a"), outliers });
    const { clock, upstream, network, send } = running;
    const busy = await send();
    const events = { onReady: () => {}, onFailed: () => {} };
    const wish = upstream.choose({}, "http/1.1")!.pool.acquire(events);
    upstream.drain();
    wish[Symbol.dispose]();
    await settled();
    assert.deepEqual([running.drained(), network.living.length], [0, 1]);
    busy?.endStream();
    await settled();
    assert.deepEqual([running.drained(), network.living.length], [1, 0]);
    assert.equal(clock.pendingTimers, 0);
  },

  async function warm(subject) {
    const silent = { ...named, healthChecks: [healthCheck({ timeoutMs: 3_000 })] };
    const { clock, network, upstream } = await setUpRunning(subject, silent);
    assert.equal(upstream.isWarm, true);
    upstream.destroy();
    const slow = setUpUpstream(silent, subject.upstream.UpstreamCluster);
    slow.resolver.tell("app.test", ["10.0.0.1"]);
    slow.network.silent.add("10.0.0.1:80");
    slow.upstream.start();
    let isWarm = false;
    void slow.upstream.whenWarm().then(() => {
      isWarm = true;
    });
    await slow.clock.advanceAsync(2_999);
    assert.deepEqual([slow.upstream.isWarm, isWarm], [false, false]);
    await slow.clock.advanceAsync(1);
    assert.deepEqual([slow.upstream.isWarm, isWarm], [true, true]);
    slow.upstream.destroy();
    assert.deepEqual([clock.pendingTimers, network.living], [0, []]);
  },

  async function table(subject) {
    const clock = new ManualClock();
    const network = new FakeNetwork();
    const resolver = new FakeResolver();
    const made: InstanceType<typeof subject.upstream.UpstreamCluster>[] = [];
    const clusters = new subject.table.ClusterTable({
      make: (config, onDrained) => {
        const random = new SeededRandom(1);
        const shared = { codec: network, connector: network, resolver, clock, random, onDrained };
        const cluster = new subject.upstream.UpstreamCluster({ config, ...shared });
        made.push(cluster);
        return cluster;
      },
      clock,
      warmTimeoutMs: 5_000,
    });
    const prepare = (more: Partial<ClusterConfig>, signal = new AbortController().signal) =>
      clusters.prepare(new Map([["backend", clusterConfig(more)]]), signal);
    (await prepare({ endpoints: hostsOf("a") }))!.commit();
    const first = clusters.get("backend");
    (await prepare({ endpoints: hostsOf("a", "b") }))!.commit();
    assert.equal(clusters.get("backend"), first);
    assert.equal(first?.cluster.hosts.size, 2);

    const before = made.length;
    (await prepare({ ...named, waitsForWarm: false }))!.abandon();
    assert.deepEqual([clusters.get("backend"), made.length], [first, before + 1]);
    made.pop();
    assert.equal(clock.pendingTimers, 0);

    resolver.tell("app.test", "silence");
    let commit: (() => void) | undefined;
    void prepare({ ...named, outliers }).then((prepared) => {
      commit = prepared?.commit;
    });
    await settled();
    assert.equal(clusters.get("backend"), first);
    await clock.advanceAsync(5_000);
    assert.deepEqual([clusters.get("backend") === first, clusters.warmTimeouts], [true, 1]);
    assert.ok(commit, "it waits without end");
    commit();
    assert.equal(clusters.get("backend"), made[1]);
    const late = first.choose({}, "http/1.1");
    const onReady = (connection: unknown): void => {
      (connection as FakeConnection).start();
      queueMicrotask(() => (connection as FakeConnection).endStream());
    };
    late?.pool.acquire({ onReady, onFailed: () => {} });
    await settled();
    assert.deepEqual(network.living, []);

    const controller = new AbortController();
    const given = prepare({ ...named, connectTimeoutMs: 1 }, controller.signal);
    controller.abort();
    assert.equal(await given, undefined);
    clusters.destroy();
    assert.equal(clock.pendingTimers, 0);
  },
];
