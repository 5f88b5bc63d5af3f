// Connections to upstream: how many, for how long, and what happens at each bound.
import { ManualClock } from "@compendium/runtime";
import { expect, test } from "vitest";
import type { Thresholds } from "../../src/config/cluster-config.ts";
import { startProxy } from "./harness.ts";
import { makeClient, startUpstream, type Upstream } from "./peers.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

function breakers(more: Partial<Thresholds>): { default: Thresholds; high: Thresholds } {
  const thresholds: Thresholds = {
    connectionsMax: 1_024,
    pendingMax: 1_024,
    requestsMax: 1_024,
    retriesMax: 3,
    retryBudget: undefined,
    ...more,
  };
  return { default: thresholds, high: thresholds };
}

interface Holding {
  readonly upstream: Upstream;
  readonly begun: () => number;
  release(): void;
}

/** An upstream that answers when it is told to. */
async function startHolding(version: "h1" | "h2"): Promise<Holding> {
  let begun = 0;
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const upstream = await startUpstream(version, async () => {
    begun++;
    await held;
    return { status: 200 };
  });
  return { upstream, begun: () => begun, release };
}

test("requests wait for a connection when there may be no more of them", async () => {
  const { upstream, begun, release } = await startHolding("h1");
  await using _ = upstream;
  const cluster = { breakers: breakers({ connectionsMax: 1 }) };
  await using proxy = await startProxy({ upstreamPorts: [upstream.port], cluster });
  using client = makeClient("h2", proxy.port);
  const answers = [1, 2, 3].map(() => client.send({}));
  const pending = () =>
    proxy.plane.clusterOf("backend")?.cluster.breakers.default.active("pending");
  await until(() => begun() === 1 && pending() === 2);
  release();
  for (const answer of answers) expect((await answer).status).toBe(200);
  expect(upstream.connections()).toBe(1);
  expect(pending()).toBe(0);
});

test("more that wait than may are answered with 503 at once", async () => {
  const { upstream, begun, release } = await startHolding("h1");
  await using _ = upstream;
  const cluster = { breakers: breakers({ connectionsMax: 1, pendingMax: 1 }) };
  await using proxy = await startProxy({ upstreamPorts: [upstream.port], cluster });
  using client = makeClient("h2", proxy.port);
  const first = client.send({});
  await until(() => begun() === 1);
  const second = client.send({});
  const active = proxy.plane.managerOf("in", "http")!.numbers;
  await until(() => active.active === 2);
  expect((await client.send({})).status).toBe(503);
  release();
  expect((await first).status).toBe(200);
  expect((await second).status).toBe(200);
});

test("RFC 9113 §5.1.2: a second connection is opened when the streams of the first run out", async () => {
  const { upstream, begun, release } = await startHolding("h2");
  await using _ = upstream;
  const cluster = { protocol: "http2", concurrentStreamsMax: 2 } as const;
  await using proxy = await startProxy({ upstreamPorts: [upstream.port], cluster });
  using client = makeClient("h2", proxy.port);
  const answers = Array.from({ length: 6 }, () => client.send({}));
  await until(() => begun() === 6);
  expect(upstream.connections()).toBe(3);
  release();
  for (const answer of answers) expect((await answer).status).toBe(200);
});

test("a connection is closed after so many requests", async () => {
  for (const version of ["h1", "h2"] as const) {
    await using upstream = await startUpstream(version, () => ({ status: 200 }));
    const protocol = version === "h1" ? "http1" : "http2";
    const cluster = { protocol, requestsPerConnectionMax: 2 } as const;
    await using proxy = await startProxy({ upstreamPorts: [upstream.port], cluster });
    using client = makeClient("h1", proxy.port);
    for (let i = 0; i < 6; i++) {
      expect((await client.send({})).status).toBe(200);
      for (let turns = 0; turns < 5; turns++) await turn();
    }
    expect(upstream.connections()).toBe(3);
  }
});

test("an idle connection is closed after its time, and forgotten", async () => {
  const clock = new ManualClock();
  await using upstream = await startUpstream("h1", () => ({ status: 200 }));
  const cluster = { idleTimeoutMs: 1_000 };
  const upstreamPorts = [upstream.port];
  await using proxy = await startProxy({ clock, upstreamPorts, cluster });
  using client = makeClient("h1", proxy.port);
  await client.send({});
  const [pool] = [...proxy.plane.clusterOf("backend")!.stats()];
  expect(pool?.[0]).toBe(`http/1.1 127.0.0.1:${upstream.port}`);
  const connections = () => [...proxy.plane.clusterOf("backend")!.stats().values()][0]?.connections;
  for (let turns = 0; turns < 10; turns++) await turn();
  expect(connections()).toBe(1);
  clock.advance(1_000);
  await until(() => connections() === 0);
  expect((await client.send({})).status).toBe(200);
});

test("a host that takes no connection is a 503 when its time is up", async () => {
  const clock = new ManualClock();
  const connector = { connect: () => ({ [Symbol.dispose]: () => {} }) };
  const action = { timeoutMs: 15_000 };
  await using proxy = await startProxy({ clock, upstreamPorts: [1], connector, action });
  using client = makeClient("h1", proxy.port);
  const answer = client.send({});
  await until(() => proxy.plane.managerOf("in", "http")!.numbers.active === 1);
  clock.advance(15_000);
  expect((await answer).status).toBe(504);
  // What waited is not counted any more.
  expect(proxy.plane.clusterOf("backend")?.cluster.breakers.default.active("pending")).toBe(0);
});

test("a request that does not arrive in time is answered with 408", async () => {
  const clock = new ManualClock();
  await using upstream = await startUpstream("h1", () => ({ status: 200 }));
  await using proxy = await startProxy({
    clock,
    upstreamPorts: [upstream.port],
    http: {
      timers: {
        idleTimeoutMs: 60_000,
        streamIdleTimeoutMs: 60_000,
        requestTimeoutMs: 5_000,
        requestHeadersTimeoutMs: 10_000,
        drainTimeoutMs: 5_000,
        connectionLifetimeMs: 0,
        streamLifetimeMs: 0,
      },
    },
  });
  using client = makeClient("h1", proxy.port);
  const body = "half";
  const answer = client.send({ method: "PUT", body, headers: { "content-length": "8" } });
  const { numbers } = proxy.plane.managerOf("in", "http")!;
  await until(() => numbers.active === 1);
  clock.advance(5_000);
  expect((await answer).status).toBe(408);
});
