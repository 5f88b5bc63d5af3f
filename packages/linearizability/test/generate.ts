// Random histories.
import type { Operation } from "@compendium/linearizability";
import fc from "fast-check";
import type { Subject } from "./models.ts";

/** Any questions, any answers, any overlap: often illegal. */
export function anyHistory({ exchange }: Subject): fc.Arbitrary<Operation[]> {
  const operation = fc.tuple(
    exchange,
    fc.integer({ min: 0, max: 8 }),
    fc.option(fc.integer({ min: 0, max: 5 }), { freq: 5, nil: undefined }),
  );
  return fc
    .array(operation, { minLength: 1, maxLength: 6 })
    .map((all) =>
      all.map(([{ input, output }, call, durationMs]) =>
        durationMs === undefined
          ? { input, call }
          : { input, output, call, return: call + durationMs },
      ),
    );
}

/**
 * What clients of a real object see. Each operation takes effect at one moment between its call and
 * its return; where it timed out, at some moment after its call, or never.
 */
export function realHistory({ exchange, object }: Subject): fc.Arbitrary<Operation[]> {
  const part = fc.integer({ min: 0, max: 30 });
  const plan = fc.record({
    exchange,
    call: fc.integer({ min: 0, max: 100 }),
    before: part,
    after: part,
    timesOut: fc.boolean(),
    happens: fc.boolean(),
  });
  return fc.array(plan, { maxLength: 25 }).map((plans) => {
    const real = object();
    return plans
      .map((each, index) => ({ ...each, unknown: each.timesOut && index % 3 === 0 }))
      .toSorted((a, b) => a.call + a.before - (b.call + b.before))
      .map(({ exchange: { input }, call, before, after, unknown, happens }) => {
        if (unknown && !happens) return { input, call };
        const output = real(input);
        return unknown ? { input, call } : { input, output, call, return: call + before + after };
      });
  });
}
