// Pools of a cluster at work, and what the upkeep of it does to them, in virtual time.
import { describe, expect, test } from "vitest";
import { healthCheck } from "../health/config.ts";
import { defaults as outliers } from "../outlier/config.ts";
import { hostsOf, setUpUpstream } from "./upstream.ts";

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("pools of a cluster", () => {
  test("each priority has pools and breakers of its own", async () => {
    const { upstream, network, send } = setUpUpstream({ endpoints: hostsOf("a") });
    const first = await send();
    first?.endStream();
    const high = await send("high");
    expect(high).not.toBe(first);
    expect([...upstream.stats().keys()]).toEqual(["http/1.1 a:80", "high http/1.1 a:80"]);
    const { breakers } = upstream.cluster;
    expect([breakers.default.active("connections"), breakers.high.active("connections")]).toEqual([
      1, 1,
    ]);
    expect(upstream.choose({}, "http/1.1", "high")?.breakers).toBe(breakers.high);
    expect(network.living).toHaveLength(2);
  });

  test("max_connection_duration: a connection takes no more requests then, and those on it end", async () => {
    const { clock, network, send } = setUpUpstream({
      endpoints: hostsOf("a"),
      connectionLifetimeMs: 1_000,
    });
    const busy = await send();
    const idle = await send();
    idle?.endStream();
    clock.advance(1_000);
    expect([busy?.isClosed, idle?.isClosed]).toEqual([false, true]);
    expect(await send()).not.toBe(busy);
    busy?.endStream();
    await settled();
    expect(network.living).toHaveLength(1);
    // The timer of the one that is open.
    expect(clock.pendingTimers).toBe(1);
    network.living[0]?.destroy();
    await settled();
    expect(clock.pendingTimers).toBe(0);
  });

  test("a host that leaves ends what it has begun, and is forgotten then", async () => {
    const { upstream, send } = setUpUpstream({ endpoints: hostsOf("a") });
    upstream.start();
    const busy = await send();
    upstream.update({ ...upstream.config, endpoints: hostsOf("b") });
    expect([busy?.isDraining, busy?.isClosed]).toEqual([true, false]);
    expect((await send())?.host.address).toBe("b:80");
    busy?.endStream();
    await settled();
    expect(busy?.isClosed).toBe(true);
    expect(upstream.cluster.breakers.default.active("connections")).toBe(1);
  });

  test("a request that waits when its host leaves is still served", async () => {
    const { upstream, send } = setUpUpstream({ endpoints: hostsOf("a") });
    const sent = send();
    upstream.update({ ...upstream.config, endpoints: hostsOf("b") });
    expect((await sent)?.host.address).toBe("a:80");
  });

  test("a drained cluster says when its last request has ended, and closes what nobody waits for", async () => {
    const { upstream, drained, network, send } = setUpUpstream({ endpoints: hostsOf("a") });
    const busy = await send();
    const wish = upstream.choose({}, "http/1.1")!.pool.acquire({
      onReady: () => {},
      onFailed: () => {},
    });
    upstream.drain();
    // The connection for it is on its way, and must not stay open for nobody.
    wish[Symbol.dispose]();
    await settled();
    expect([drained(), network.living.length]).toEqual([0, 1]);
    busy?.endStream();
    await settled();
    expect([drained(), network.living.length]).toEqual([1, 0]);
  });

  test("whoever has found a cluster before it was drained is served by it", async () => {
    const { upstream, network, send } = setUpUpstream();
    upstream.drain();
    const late = await send();
    expect(late?.isClosed).toBe(false);
    late?.endStream();
    await settled();
    expect(network.living).toEqual([]);
  });

  test("split origins: a connection counts for its host, whatever the answer", async () => {
    const split = {
      ...outliers,
      splitsLocalOrigin: true,
      consecutiveLocalOriginFailure: 2,
      ejectionPercentMax: 100,
    };
    const { upstream, send } = setUpUpstream({ endpoints: hostsOf("a"), outliers: split });
    const { cluster } = upstream;
    const [host] = cluster.hosts.hosts();
    for (let i = 0; i < 4; i++) {
      cluster.begin(host!);
      cluster.end(host!, "connect-failed", 1);
      await send();
    }
    expect(host?.isEjected).toBe(false);
  });
});

describe("the upkeep of a cluster", () => {
  test("takes an ejected host back on a sweep", async () => {
    const { clock, upstream, chosen } = setUpUpstream({
      outliers: { ...outliers, baseEjectionTimeMs: 15_000, ejectionPercentMax: 100 },
    });
    upstream.start();
    const [host] = upstream.cluster.hosts.hosts();
    for (let i = 0; i < 5; i++) {
      upstream.cluster.begin(host!);
      upstream.cluster.end(host!, 503, 1);
    }
    expect(chosen()).toEqual(["b:80"]);
    clock.advance(19_999);
    expect(chosen()).toEqual(["b:80"]);
    clock.advance(1);
    expect(chosen()).toEqual(["a:80", "b:80"]);
  });

  test("a host that is ejected or sick has its connections drained, and later new ones", async () => {
    const { clock, network, upstream, send } = setUpUpstream({
      endpoints: hostsOf("a"),
      outliers: { ...outliers, ejectionPercentMax: 100 },
      healthChecks: [healthCheck({ unhealthyThreshold: 1 })],
    });
    upstream.start();
    await clock.advanceAsync(0);
    const idle = await send();
    const busy = await send();
    idle?.endStream();
    for (let i = 0; i < 5; i++) {
      upstream.cluster.begin(busy!.host);
      upstream.cluster.end(busy!.host, 503, 1);
    }
    expect([idle?.isClosed, busy?.isClosed, busy?.isDraining]).toEqual([true, false, true]);
    const next = await send();
    expect(next?.isDraining).toBe(false);
    network.down.add("a:80");
    await clock.advanceAsync(60_000);
    expect(next?.isDraining).toBe(true);
    upstream.destroy();
  });

  test("a health check that passes takes an ejected host back", async () => {
    const { clock, upstream, chosen } = setUpUpstream({
      outliers: { ...outliers, ejectionPercentMax: 100, baseEjectionTimeMs: 900_000 },
      healthChecks: [healthCheck({ noTrafficIntervalMs: 5_000 })],
    });
    upstream.start();
    await clock.advanceAsync(0);
    const [host] = upstream.cluster.hosts.hosts();
    for (let i = 0; i < 5; i++) {
      upstream.cluster.begin(host!);
      upstream.cluster.end(host!, 503, 1);
    }
    expect(chosen()).toEqual(["b:80"]);
    await clock.advanceAsync(5_000);
    expect(chosen()).toEqual(["a:80", "b:80"]);
    upstream.destroy();
  });

  test("probes are rare until the cluster is used", async () => {
    const { clock, network, upstream, send } = setUpUpstream({
      endpoints: hostsOf("a"),
      healthChecks: [healthCheck()],
    });
    upstream.start();
    await clock.advanceAsync(59_999);
    expect(network.asked).toHaveLength(1);
    await send();
    await clock.advanceAsync(1);
    await clock.advanceAsync(5_000);
    expect(network.asked).toHaveLength(4);
    upstream.destroy();
  });

  test("names: hosts come, go and come back as DNS says", async () => {
    const { clock, resolver, upstream, chosen } = setUpUpstream({
      discovery: "strict-dns",
      endpoints: hostsOf("app.test"),
    });
    resolver.tell("app.test", ["10.0.0.1", "10.0.0.2"]);
    expect(chosen()).toEqual(["none"]);
    upstream.start();
    await clock.advanceAsync(0);
    expect(chosen()).toEqual(["10.0.0.1:80", "10.0.0.2:80"]);
    const [host] = upstream.cluster.hosts.hosts();
    host!.numbers.requests = 7;
    resolver.tell("app.test", ["10.0.0.1"]);
    await clock.advanceAsync(5_000);
    expect(chosen()).toEqual(["10.0.0.1:80"]);
    resolver.tell("app.test", "failure");
    await clock.advanceAsync(60_000);
    expect(chosen()).toEqual(["10.0.0.1:80"]);
    expect(upstream.cluster.hosts.get("10.0.0.1:80")).toBe(host);
    resolver.tell("app.test", []);
    await clock.advanceAsync(5_000);
    expect(chosen()).toEqual(["none"]);
    expect(upstream.numbers.dns?.empty).toBe(1);
  });

  test("names and health checks: who is told of no longer stays while it is well", async () => {
    const { clock, network, resolver, upstream, chosen, send } = setUpUpstream({
      discovery: "strict-dns",
      endpoints: hostsOf("app.test"),
      healthChecks: [healthCheck({ unhealthyThreshold: 1 })],
    });
    resolver.tell("app.test", ["10.0.0.1", "10.0.0.2"]);
    upstream.start();
    await clock.advanceAsync(0);
    await send();
    const [host] = upstream.cluster.hosts.hosts();
    resolver.tell("app.test", ["10.0.0.2"]);
    await clock.advanceAsync(10_000);
    expect(chosen()).toEqual(["10.0.0.1:80", "10.0.0.2:80"]);
    expect(upstream.cluster.hosts.get("10.0.0.1:80")).toBe(host);
    network.down.add("10.0.0.1:80");
    await clock.advanceAsync(60_000);
    expect([chosen(), upstream.cluster.hosts.size]).toEqual([["10.0.0.2:80"], 1]);
    // Who is sick and told of stays, to be asked again.
    network.down.add("10.0.0.2:80");
    await clock.advanceAsync(60_000);
    expect([chosen(), upstream.cluster.hosts.size]).toEqual([["10.0.0.2:80"], 1]);
    upstream.destroy();
  });
});

describe("a cluster is warm", () => {
  test("at once, where its hosts are written down and nobody asks how they are", () => {
    expect(setUpUpstream().upstream.isWarm).toBe(true);
  });

  test("once names are looked up and every host was asked", async () => {
    const { clock, network, resolver, upstream } = setUpUpstream({
      discovery: "strict-dns",
      endpoints: hostsOf("a.test", "b.test"),
      healthChecks: [healthCheck()],
    });
    resolver.tell("a.test", ["10.0.0.1"]);
    resolver.tell("b.test", "silence");
    network.silent.add("10.0.0.1:80");
    let warm = 0;
    void upstream.whenWarm().then(() => warm++);
    upstream.start();
    await clock.advanceAsync(9_999);
    expect(upstream.isWarm).toBe(false);
    // The host was given up after a second, and the other name after ten.
    await clock.advanceAsync(1);
    expect([upstream.isWarm, warm]).toEqual([true, 1]);
    upstream.destroy();
  });

  test("and waits for hosts that DNS has told of, however soon it was ready", async () => {
    const { clock, network, resolver, upstream } = setUpUpstream({
      discovery: "strict-dns",
      endpoints: hostsOf("a.test"),
      healthChecks: [healthCheck()],
    });
    resolver.tell("a.test", ["10.0.0.1"]);
    network.silent.add("10.0.0.1:80");
    upstream.start();
    await clock.advanceAsync(999);
    expect(upstream.isWarm).toBe(false);
    await clock.advanceAsync(1);
    expect(upstream.isWarm).toBe(true);
    upstream.destroy();
  });

  test("or stopped: nobody waits for what will not come, and no timer is left", async () => {
    const { clock, resolver, upstream } = setUpUpstream({
      discovery: "strict-dns",
      endpoints: hostsOf("a.test"),
      healthChecks: [healthCheck()],
      outliers,
    });
    resolver.tell("a.test", "silence");
    upstream.start();
    const warm = upstream.whenWarm();
    upstream.drain();
    await warm;
    expect(clock.pendingTimers).toBe(0);
  });
});
