import { expect, test } from "vitest";
import * as subject from "../src/index.ts";
import { gcra, tokenBucket } from "../src/index.ts";
import { admitted, makeLimiter } from "./helpers.ts";
import { burstAndRate } from "./support/bounds.ts";
import { checkSeed } from "./support/check-history.ts";
import { drawHistory } from "./support/histories.ts";
import { Replay } from "./support/replay.ts";

test("I.371, annex A: a cell that comes before TAT − τ does not conform, and TAT stays", () => {
  // T = 100 ms, and a burst of 3 is a tolerance of 2 T before the TAT.
  const { limiter, clock } = makeLimiter(gcra({ limit: 10, windowMs: 1_000, burst: 3 }));
  expect(admitted(limiter)).toBe(3);
  clock.advance(99);
  for (let i = 0; i < 10; i++) expect(limiter.take().retryAfterMs).toBe(1);
  clock.advance(1);
  expect(limiter.take()).toMatchObject({ allowed: true, remaining: 0, resetMs: 300 });
});

test("a cell that comes after its TAT gains nothing by having been late", () => {
  const { limiter, clock } = makeLimiter(gcra({ limit: 10, windowMs: 1_000, burst: 3 }));
  clock.advance(1_000_000);
  expect(admitted(limiter)).toBe(3);
});

test("decides as a token bucket does, at every step of a history", () => {
  for (let seed = 0; seed < 400; seed++) {
    const history = drawHistory(seed, { algorithms: ["gcra"], setBack: false });
    const plans = history.plans.map((plan) =>
      plan.map((spec) => ({ ...spec, algorithm: "token-bucket" as const })),
    );
    const spacing = new Replay(subject, history);
    const bucket = new Replay(subject, { plans });
    for (const { operation } of history.steps) {
      const said = JSON.stringify(spacing.step(operation), withoutRule);
      expect(JSON.stringify(bucket.step(operation), withoutRule)).toBe(said);
    }
  }
});

test("admits burst + ⌊rate × t⌋ in every interval t, and now and then just that", () => {
  for (const rule of [gcra, tokenBucket]) {
    const spec = { limit: 3, windowMs: 1_000, burst: 4 };
    const { limiter, clock } = makeLimiter(rule(spec));
    const passed = [];
    for (let ms = 0; ms < 10_000; ms++) {
      if (limiter.take().allowed) passed.push({ atUs: ms * 1_000, cost: 1 });
      if (ms === 0)
        for (let i = 0; i < 3; i++) passed.push({ atUs: 0, cost: Number(limiter.take().allowed) });
      clock.advance(1);
    }
    expect(passed.reduce((sum, { cost }) => sum + cost, 0)).toBe(4 + 29);
    const full = { ...spec, algorithm: "gcra", name: "r", reserveMsMax: 0, parts: 1 } as const;
    expect(burstAndRate(full, passed)).toBeUndefined();
    expect(burstAndRate({ ...full, burst: 3 }, passed)).toMatch(/over/);
  }
});

test("cost per request, several keys and a clock that is set back: as the model says", () => {
  for (let seed = 10_000; seed < 10_300; seed++) checkSeed(subject, seed, { algorithms: ["gcra"] });
});

function withoutRule(key: string, value: unknown): unknown {
  return key === "rule" ? undefined : value;
}
