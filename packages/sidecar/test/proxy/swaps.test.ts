import { expect, test } from "vitest";
import { snapshotOf, startProxy } from "./harness.ts";
import { makeClient, startUpstream } from "./peers.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("no request fails while the configuration is swapped 200 times under load", async () => {
  await using first = await startUpstream("h1", () => ({ status: 200, body: "first" }));
  await using second = await startUpstream("h1", async () => {
    await turn();
    return { status: 200, body: "second" };
  });
  const options = [first, second].map(({ port }, i) => ({
    upstreamPorts: [port],
    // Another cluster by its value, so that pools are replaced under the requests.
    cluster: { connectTimeoutMs: 5_000 + i },
  }));
  await using proxy = await startProxy(options[0]!);
  let isOver = false;
  const bodies = new Set<string>();
  const load = (["h1", "h2"] as const).flatMap((version) =>
    Array.from({ length: 4 }, async () => {
      using client = makeClient(version, proxy.port);
      let sent = 0;
      for (; !isOver; sent++) {
        const got = await client.send({ method: "POST", body: "once" });
        expect(got.status, String(got.body)).toBe(200);
        bodies.add(String(got.body));
      }
      return sent;
    }),
  );
  for (let swaps = 0; swaps < 200; swaps++) {
    await proxy.plane.apply(snapshotOf(options[(swaps + 1) % 2]!));
    await turn();
    await turn();
  }
  isOver = true;
  const sent = await Promise.all(load);
  expect(Math.min(...sent)).toBeGreaterThan(0);
  expect([...bodies].sort()).toEqual(["first", "second"]);
  expect(proxy.plane.managerOf("in", "http")?.numbers.failures).toBe(0);
});
