// Short runs of what `npm run simulate sidecar` does a thousand times.
import { expect, test } from "vitest";
import { drainUnderLoad } from "./drain.ts";
import { swapUnderLoad } from "./swaps.ts";

test("no request fails while configurations, certificates and endpoints change under load", async () => {
  const report = await swapUnderLoad({
    seed: 1,
    changes: ["configuration", "certificates", "endpoints"],
    goesOn: (changes) => changes < 60,
  });
  expect(report.failures).toEqual([]);
  expect(Math.min(...Object.values(report.counts))).toBeGreaterThan(10);
  expect([...report.answered.keys()].sort()).toEqual([
    "gRPC",
    "gRPC over TLS",
    "h1",
    "h1 over TLS",
    "h2",
    "h2 over TLS",
  ]);
  expect(report).toMatchObject({ rotations: report.counts.certificates, left: 0 });
});

test("SIGTERM under load: what was asked is answered, who comes back is turned away, and the process ends with 0", async () => {
  const { failures, turnedAway, code } = await drainUnderLoad({ seed: 1, way: "sigterm" });
  expect({ failures, turnedAway, code }).toEqual({ failures: [], turnedAway: 18, code: 0 });
});

test("a graceful drain by the admin interface: clients that come back are served until SIGTERM", async () => {
  const { failures, turnedAway, code } = await drainUnderLoad({ seed: 2, way: "graceful" });
  expect({ failures, turnedAway, code }).toEqual({ failures: [], turnedAway: 0, code: 0 });
});
