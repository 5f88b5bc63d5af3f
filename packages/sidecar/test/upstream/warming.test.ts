// A snapshot comes into force when its clusters are warm, and the one before it serves until then.
import { ManualClock } from "@compendium/runtime";
import { expect, test } from "vitest";
import { NodeCodec } from "../../src/codec/node/node-codec.ts";
import type { ClusterConfig } from "../../src/config/cluster-config.ts";
import { DataPlane } from "../../src/listener/data-plane.ts";
import { endpoint, locality } from "../cluster/config.ts";
import { FakeResolver } from "../discovery/fake-resolver.ts";
import { healthCheck } from "../health/config.ts";
import { type ProxyOptions, snapshotOf } from "../proxy/harness.ts";
import { makeClient, startUpstream } from "../proxy/peers.ts";
import { turns, until } from "./turns.ts";

function setUp() {
  const clock = new ManualClock();
  const resolver = new FakeResolver();
  const plane = new DataPlane({ codec: new NodeCodec({ clock }), clock, resolver });
  return { clock, resolver, plane };
}

function named(name: string, port: number, more: Partial<ClusterConfig> = {}): ProxyOptions {
  const endpoints = [locality([endpoint(name, { port })])];
  return { upstreamPorts: [], cluster: { discovery: "strict-dns", endpoints, ...more } };
}

test("no port is open before the names are looked up; then the proxy is ready", async () => {
  await using upstream = await startUpstream("h1", () => ({ status: 200 }));
  const { clock, resolver, plane } = setUp();
  await using _ = plane;
  resolver.tell("app.test", "silence");
  const applied = plane.apply(snapshotOf(named("app.test", upstream.port)));
  await turns(20);
  expect([plane.state, plane.portOf("in")]).toEqual(["initializing", undefined]);
  resolver.tell("app.test", ["127.0.0.1"]);
  // The first lookup is given up after ten seconds, which is an end as well; the next has begun.
  clock.advance(10_000);
  await applied;
  await plane.ready;
  expect(plane.state).toBe("live");
  clock.advance(500);
  await until(() => plane.clusterOf("backend")!.cluster.hosts.size === 1);
  using client = makeClient("h1", plane.portOf("in")!);
  expect((await client.send({})).status).toBe(200);
});

test("a cluster that is replaced serves until the new one is warm", async () => {
  await using before = await startUpstream("h1", () => ({ status: 200, body: "before" }));
  await using after = await startUpstream("h1", () => ({ status: 200, body: "after" }));
  const { clock, resolver, plane } = setUp();
  await using _ = plane;
  await plane.apply(snapshotOf({ upstreamPorts: [before.port] }));
  using client = makeClient("h1", plane.portOf("in")!);
  const bodyOf = async (): Promise<string> => String((await client.send({})).body);
  const old = plane.clusterOf("backend");
  resolver.tell("app.test", "silence");
  const applied = plane.apply(snapshotOf(named("app.test", after.port)));
  await turns(20);
  expect([await bodyOf(), plane.clusterOf("backend") === old]).toEqual(["before", true]);
  resolver.tell("app.test", ["127.0.0.1"]);
  clock.advance(10_000);
  await applied;
  clock.advance(500);
  const { hosts } = plane.clusterOf("backend")!.cluster;
  await until(() => hosts.size === 1);
  expect(await bodyOf()).toBe("after");
  // The pool of the replaced one closes what it has left open.
  await until(() => [...old!.stats().values()].every(({ connections }) => connections === 0));
});

test("what cannot be found out within warmTimeoutMs is not waited for", async () => {
  const { clock, plane } = setUp();
  await using _ = plane;
  const slow = healthCheck({ timeoutMs: 60_000 });
  const connector = { connect: () => ({ [Symbol.dispose]: () => {} }) };
  const silent = new DataPlane({ codec: new NodeCodec({ clock }), clock, connector });
  await using __ = silent;
  const cluster = { healthChecks: [slow] };
  const applied = silent.apply(snapshotOf({ upstreamPorts: [1], cluster }));
  await turns(5);
  clock.advance(14_999);
  await turns(5);
  expect(silent.state).toBe("initializing");
  clock.advance(1);
  await applied;
  expect([silent.state, silent.warmTimeouts]).toEqual(["live", 1]);
  // It is no reason to wait once more.
  await silent.apply({ ...snapshotOf({ upstreamPorts: [1], cluster }), version: "next" });
  expect([silent.snapshot?.version, silent.warmTimeouts]).toEqual(["next", 1]);
});

test("snapshots come into force one after the other; who waits gives way to a newer one", async () => {
  await using upstream = await startUpstream("h1", () => ({ status: 200 }));
  const { clock, resolver, plane } = setUp();
  await using _ = plane;
  resolver.tell("app.test", "silence");
  const seen: unknown[] = [];
  const apply = (version: string, options: ProxyOptions): Promise<void> =>
    plane
      .apply({ ...snapshotOf(options), version })
      .then(() => void seen.push([version, plane.snapshot?.version]));
  const quick = { upstreamPorts: [upstream.port] };
  const first = apply("first", named("app.test", upstream.port));
  await turns(5);
  const rest = [apply("second", quick), apply("third", quick)];
  await turns(5);
  expect(plane.snapshot).toBeUndefined();
  clock.advance(10_000);
  await Promise.all([first, ...rest]);
  expect(seen).toEqual([
    ["first", "first"],
    ["second", "first"],
    ["third", "third"],
  ]);
});

test("wait_for_warm_on_init: false: nobody is waited for", async () => {
  const { resolver, plane } = setUp();
  await using _ = plane;
  resolver.tell("app.test", "silence");
  await plane.apply(snapshotOf(named("app.test", 1, { waitsForWarm: false })));
  expect(plane.state).toBe("live");
});

test("a drain gives up what is warming, and opens no port any more", async () => {
  const { clock, resolver, plane } = setUp();
  resolver.tell("app.test", "silence");
  const cluster = { healthChecks: [healthCheck()] };
  const applied = plane.apply(snapshotOf(named("app.test", 1, cluster)));
  await turns(5);
  plane.drain();
  await applied;
  expect([plane.state, plane.portOf("in"), plane.snapshot]).toEqual([
    "draining",
    undefined,
    undefined,
  ]);
  await plane[Symbol.asyncDispose]();
  expect(clock.pendingTimers).toBe(0);
});

test("a host stays what it is when others come and go: its pool, its standing, its numbers", async () => {
  await using upstream = await startUpstream("h1", () => ({ status: 200 }));
  const { plane } = setUp();
  await using _ = plane;
  await plane.apply(snapshotOf({ upstreamPorts: [upstream.port] }));
  using client = makeClient("h1", plane.portOf("in")!);
  await client.send({});
  const [host] = plane.clusterOf("backend")!.cluster.hosts.hosts();
  for (const others of [[1], [1, 2], []]) {
    await plane.apply(snapshotOf({ upstreamPorts: [...others, upstream.port] }));
    const { hosts } = plane.clusterOf("backend")!.cluster;
    expect([hosts.size, hosts.get(host!.address)]).toEqual([others.length + 1, host]);
  }
  await client.send({});
  expect([host!.numbers.requests, upstream.connections()]).toEqual([2, 1]);
});
