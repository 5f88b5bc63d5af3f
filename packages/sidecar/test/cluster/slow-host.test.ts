// The bar, for the model: one of ten hosts 20 times slower, and peak-EWMA's 99th percentile
// is at most half of round robin's.
import { expect, test } from "vitest";
import { latencies, percentile } from "./slow-host.ts";

const experiment = { requests: 20_000, slowdown: 20 };

test.each([1, 2, 3, 4, 5])("seed %i: peak-EWMA's p99 is at most half of round robin's", (seed) => {
  const p99 = (balancer: Parameters<typeof latencies>[0]["balancer"]): number =>
    percentile(latencies({ ...experiment, balancer, seed }), 99);
  const inTurn = p99({ kind: "round-robin" });
  const byCost = p99({ kind: "peak-ewma", decayMs: 10_000 });
  expect(byCost).toBeLessThanOrEqual(inTurn / 2);
  // Round robin waits for the slow host in a tenth of its requests.
  expect(inTurn).toBeGreaterThan(200);
});

test("with hosts that are alike, peak-EWMA is no worse than a tenth above round robin", () => {
  const p99 = (kind: "round-robin" | "peak-ewma"): number => {
    const balancer = kind === "peak-ewma" ? { kind, decayMs: 10_000 } : { kind };
    return percentile(latencies({ ...experiment, slowdown: 1, balancer, seed: 1 }), 99);
  };
  expect(p99("peak-ewma")).toBeLessThan(1.1 * p99("round-robin"));
});
