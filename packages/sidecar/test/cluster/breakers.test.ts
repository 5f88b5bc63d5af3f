// What may be under way to a cluster, and how far retries may multiply it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Breakers, type Resource } from "../../src/cluster/breakers.ts";

const thresholds = {
  connectionsMax: 2,
  pendingMax: 3,
  requestsMax: 4,
  retriesMax: 5,
  retryBudget: undefined,
};

describe("breakers", () => {
  test.each([
    ["connections", 2],
    ["pending", 3],
    ["requests", 4],
    ["retries", 5],
  ] as const)("grant as many %s as the threshold says: %i", (resource, limit) => {
    const breakers = new Breakers(thresholds);
    for (let i = 0; i < limit; i++) expect(breakers.take(resource)).toBe(true);
    expect(breakers.take(resource)).toBe(false);
    expect(breakers.refused(resource)).toBe(1);
    expect(breakers.active(resource)).toBe(limit);
    breakers.give(resource);
    expect(breakers.take(resource)).toBe(true);
  });

  test("a threshold of 0 grants nothing", () => {
    expect(new Breakers({ ...thresholds, requestsMax: 0 }).take("requests")).toBe(false);
  });

  test("never count above a limit or below nothing", () => {
    const resource = fc.constantFrom<Resource>("connections", "pending", "requests", "retries");
    const step = fc.record({ resource, takes: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const breakers = new Breakers(thresholds);
        const held = { connections: 0, pending: 0, requests: 0, retries: 0 };
        for (const { resource: each, takes } of steps) {
          if (takes && breakers.take(each)) held[each]++;
          else if (!takes && held[each] > 0) {
            held[each]--;
            breakers.give(each);
          }
          expect(breakers.active(each)).toBe(held[each]);
          expect(held[each]).toBeLessThanOrEqual(breakers.limit(each));
        }
      }),
    );
  });
});

describe("a retry budget", () => {
  const budgeted = {
    ...thresholds,
    requestsMax: 10_000,
    pendingMax: 10_000,
    retryBudget: { percent: 20, retriesMin: 3 },
  };

  test("is a share of requests under way and pending, and never below the minimum", () => {
    const breakers = new Breakers(budgeted);
    expect(breakers.limit("retries")).toBe(3);
    for (let i = 0; i < 19; i++) breakers.take("requests");
    expect(breakers.limit("retries")).toBe(3);
    breakers.take("pending");
    expect(breakers.limit("retries")).toBe(4);
    for (let i = 0; i < 80; i++) breakers.take("requests");
    expect(breakers.limit("retries")).toBe(20);
  });

  test("bounds amplification at 1.25 where everything fails and everybody retries", () => {
    const breakers = new Breakers(budgeted);
    const originals = 1_000;
    for (let i = 0; i < originals; i++) breakers.take("requests");
    // A retry is a request that is under way, too.
    let retries = 0;
    while (breakers.take("retries")) {
      breakers.take("requests");
      retries++;
    }
    expect((originals + retries) / originals).toBeLessThanOrEqual(1.25);
    expect(retries).toBeGreaterThan(240);
  });
});
