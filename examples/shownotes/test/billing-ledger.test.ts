import fc from "fast-check";
import { expect, test } from "vitest";
import { Ledger } from "../src/ledger.ts";

const seat = { episode: "7", amountCents: 900 };
const options = { keysMax: 3, keptForMs: 1_000 };

test("a key is charged once; asked again, the receipt is the same", () => {
  const ledger = new Ledger(options);
  const receipt = { chargeId: "ch_1", ...seat };
  expect(ledger.charge("a", seat, 0)).toEqual({ outcome: "charged", receipt });
  expect(ledger.charge("a", seat, 999)).toEqual({ outcome: "repeated", receipt });
  expect(ledger.stats()).toEqual({ charges: 1, keys: 1, repeats: 1 });
});

test("a key that stands for another charge is a conflict, and charges nothing", () => {
  const ledger = new Ledger(options);
  ledger.charge("a", seat, 0);
  expect(ledger.charge("a", { ...seat, amountCents: 1 }, 1)).toEqual({ outcome: "conflict" });
  expect(ledger.charge("a", { ...seat, episode: "8" }, 1)).toEqual({ outcome: "conflict" });
  expect(ledger.stats()).toEqual({ charges: 1, keys: 1, repeats: 0 });
});

test("a full ledger refuses new keys, and forgets none to make room", () => {
  const ledger = new Ledger(options);
  for (const key of ["a", "b", "c"]) ledger.charge(key, seat, 0);
  expect(ledger.charge("d", seat, 999)).toEqual({ outcome: "full" });
  expect(ledger.charge("a", seat, 999)).toMatchObject({ outcome: "repeated" });
  expect(ledger.charge("d", seat, 1_000)).toMatchObject({ outcome: "charged" });
});

test("in any order of requests, no key is charged twice while it is kept, and all are accounted for", () => {
  const request = fc.record({
    key: fc.constantFrom("a", "b", "c", "d", "e"),
    afterMs: fc.nat({ max: 600 }),
  });
  fc.assert(
    fc.property(fc.array(request), (requests) => {
      const ledger = new Ledger(options);
      const chargedAt = new Map<string, number>();
      const outcomes = { charged: 0, repeated: 0, conflict: 0, full: 0 };
      let nowMs = 0;
      for (const { key, afterMs } of requests) {
        nowMs += afterMs;
        const { outcome } = ledger.charge(key, seat, nowMs);
        outcomes[outcome]++;
        const kept = nowMs - (chargedAt.get(key) ?? -Infinity) < options.keptForMs;
        expect(outcome === "repeated").toBe(kept);
        if (outcome === "charged") chargedAt.set(key, nowMs);
        const keys = [...chargedAt.values()].filter((ms) => nowMs - ms < options.keptForMs);
        expect(keys.length).toBeLessThanOrEqual(options.keysMax);
      }
      const { charges, keys, repeats } = ledger.stats();
      expect([charges, keys, repeats]).toEqual([
        outcomes.charged,
        outcomes.charged,
        outcomes.repeated,
      ]);
    }),
  );
});
