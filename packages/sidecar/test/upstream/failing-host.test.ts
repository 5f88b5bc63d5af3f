// A host that dies and comes back, on real sockets: it gets no requests while it is out.
import { once } from "node:events";
import { createServer } from "node:http";
import { ManualClock } from "@compendium/runtime";
import { expect, test } from "vitest";
import type { UpstreamCluster } from "../../src/upstream/upstream-cluster.ts";
import { healthCheck } from "../health/config.ts";
import { defaults as outliers } from "../outlier/config.ts";
import { listenOn, type ProxyOptions, startProxy } from "../proxy/harness.ts";
import { makeClient, startUpstream } from "../proxy/peers.ts";
import { until } from "./turns.ts";

const check = {
  kind: "http",
  host: "",
  path: "/healthz",
  expected: [[200, 201]],
} as const;

/** Lets those that were asked answer. */
function untilJudged(upstream: UpstreamCluster): Promise<void> {
  return until(() => {
    const { attempts, successes, failures } = upstream.numbers.health!;
    return attempts === successes + failures;
  });
}

/** Two hosts behind a proxy, of which one can be made sick. */
async function setUp(cluster: ProxyOptions["cluster"]) {
  const clock = new ManualClock();
  const stack = new AsyncDisposableStack();
  const sick = { status: 200, asked: 0 };
  const one = stack.use(
    await startUpstream("h1", ({ path }) => {
      if (path !== "/healthz") sick.asked++;
      return { status: sick.status, body: "one" };
    }),
  );
  const two = stack.use(await startUpstream("h1", () => ({ status: 200, body: "two" })));
  const upstreamPorts = [one.port, two.port];
  const proxy = stack.use(await startProxy({ clock, upstreamPorts, cluster: cluster ?? {} }));
  const client = stack.use(makeClient("h1", proxy.port));
  const upstream = proxy.plane.clusterOf("backend")!;
  const host = upstream.cluster.hosts.get(`127.0.0.1:${one.port}`)!;
  const ask = async (times: number): Promise<string[]> => {
    const bodies = new Set<string>();
    for (let i = 0; i < times; i++) bodies.add(String((await client.send({})).body));
    return [...bodies].sort();
  };
  return { clock, upstream, host, sick, ask, stack };
}

test("outlier detection: five answers of 503 in a row put a host aside until its time is over", async () => {
  const { clock, host, sick, ask, stack } = await setUp({
    outliers: { ...outliers, ejectionPercentMax: 50 },
  });
  await using _ = stack;
  expect(await ask(10)).toEqual(["one", "two"]);
  sick.status = 503;
  sick.asked = 0;
  await ask(20);
  expect([host.isEjected, sick.asked]).toEqual([true, 5]);
  sick.status = 200;
  clock.advance(29_000);
  expect(await ask(10)).toEqual(["two"]);
  // The sweep at 30 s is not the first after the ejection has lasted its 30 s, unless time stood.
  clock.advance(11_000);
  expect([host.isEjected, await ask(10)]).toEqual([false, ["one", "two"]]);
});

test("a health check: a host that says it is sick gets nothing until it is well twice", async () => {
  const { clock, upstream, host, sick, ask, stack } = await setUp({
    healthChecks: [healthCheck({ check })],
  });
  await using _ = stack;
  // The proxy is ready: both were asked, and nothing has to be waited for.
  expect([host.isHealthy, await ask(10)]).toEqual([true, ["one", "two"]]);
  /** Lets so much time pass, and those that are asked then answer. */
  const live = async (forMs: number): Promise<boolean> => {
    clock.advance(forMs);
    await untilJudged(upstream);
    return host.isHealthy;
  };
  sick.status = 503;
  expect(await live(60_000)).toBe(false);
  sick.asked = 0;
  expect([await ask(10), sick.asked]).toEqual([["two"], 0]);
  sick.status = 200;
  // Asked again after the interval of the sick, and then after that of a host that has answered.
  expect(await live(2_000)).toBe(false);
  expect(await live(3_000)).toBe(false);
  expect(await live(2_000)).toBe(true);
  expect(await ask(10)).toEqual(["one", "two"]);
});

test("a host whose port is closed is out after three probes, and back when it listens again", async () => {
  const clock = new ManualClock();
  const server = createServer((_request, response) => response.end("back"));
  const port = await listenOn(server);
  const cluster = { healthChecks: [healthCheck({ check })] };
  await using proxy = await startProxy({ clock, upstreamPorts: [port], cluster });
  const upstream = proxy.plane.clusterOf("backend")!;
  const [host] = upstream.cluster.hosts.hosts();
  const live = async (forMs: number): Promise<boolean> => {
    clock.advance(forMs);
    await untilJudged(upstream);
    return host!.isHealthy;
  };
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
  expect([await live(60_000), await live(60_000), await live(60_000)]).toEqual([true, true, false]);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  expect([await live(60_000), await live(60_000)]).toEqual([false, true]);
  using client = makeClient("h1", proxy.port);
  expect(String((await client.send({})).body)).toBe("back");
  server.close();
  server.closeAllConnections();
});
