// The windows against models that keep every call and count anew each time.
import fc from "fast-check";
import { expect, test } from "vitest";
import { CountWindow } from "../src/count-window.ts";
import { TimeWindow } from "../src/time-window.ts";
import type { SlidingWindow } from "../src/window.ts";

interface Call {
  atMs: number;
  failed: boolean;
  slow: boolean;
  ticket: number;
}

const step = fc.record({
  waitMs: fc.nat(30),
  failed: fc.boolean(),
  slow: fc.boolean(),
  // Which of the earlier calls turns out to have failed, if any.
  fails: fc.option(fc.nat(40), { nil: undefined }),
});
const steps = fc.array(step, { maxLength: 60 });

function agrees(
  window: SlidingWindow,
  startMs: number,
  todo: (typeof step extends fc.Arbitrary<infer T> ? T : never)[],
  inWindow: (calls: Call[], now: number) => Call[],
): void {
  const calls: Call[] = [];
  let now = startMs;
  for (const { waitMs, failed, slow, fails } of todo) {
    now += waitMs;
    const ticket = window.record(now, failed, slow);
    calls.push({ atMs: now, failed, slow, ticket });
    const late = fails === undefined ? undefined : calls[calls.length - 1 - fails];
    if (late !== undefined && !late.failed) {
      late.failed = true;
      window.markFailed(late.ticket);
    }
    const expected = inWindow(calls, now);
    expect(window.calls).toBe(expected.length);
    expect(window.failures).toBe(expected.filter((call) => call.failed).length);
    expect(window.slow).toBe(expected.filter((call) => call.slow).length);
  }
}

test("a count window holds the last N calls, whatever came before", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 35 }), steps, (size, todo) => {
      agrees(new CountWindow(size), 0, todo, (calls) => calls.slice(-size));
    }),
  );
});

const shape = fc.record({
  bucketMs: fc.integer({ min: 1, max: 20 }),
  buckets: fc.integer({ min: 2, max: 8 }),
  // A clock may start anywhere.
  startMs: fc.integer({ min: -1_000, max: 1_000 }),
});

test("a time window holds the calls of its last B buckets, the current one included", () => {
  fc.assert(
    fc.property(shape, steps, ({ bucketMs, buckets, startMs }, todo) => {
      const epoch = (ms: number) => Math.floor(ms / bucketMs);
      agrees(new TimeWindow(bucketMs, buckets), startMs, todo, (calls, now) =>
        calls.filter(({ atMs }) => epoch(atMs) > epoch(now) - buckets),
      );
    }),
  );
});

test("a time window reaches back for more than T - T/B, and for less than T", () => {
  fc.assert(
    fc.property(shape, fc.nat(400), ({ bucketMs, buckets, startMs }, waitMs) => {
      const window = new TimeWindow(bucketMs, buckets);
      window.record(startMs, true, true);
      window.expire(startMs + waitMs);
      if (waitMs <= (buckets - 1) * bucketMs) expect(window.calls).toBe(1);
      if (waitMs >= buckets * bucketMs) expect(window.calls).toBe(0);
    }),
  );
});

test("a clock that steps back neither loses calls nor revives them", () => {
  const window = new TimeWindow(10, 2);
  window.record(5, true, false);
  window.record(100, false, true);
  window.record(5, true, false);
  expect(window).toMatchObject({ calls: 2, failures: 1, slow: 1 });
  window.expire(111);
  expect(window).toMatchObject({ calls: 2 });
  window.expire(120);
  expect(window).toMatchObject({ calls: 0, failures: 0, slow: 0 });
});

test("what a window saves, another of its shape loads", () => {
  fc.assert(
    fc.property(shape, steps, fc.nat(500), ({ bucketMs, buckets, startMs }, todo, elsewhereMs) => {
      const pairs: [SlidingWindow, SlidingWindow][] = [
        [new CountWindow(buckets), new CountWindow(buckets)],
        [new TimeWindow(bucketMs, buckets), new TimeWindow(bucketMs, buckets)],
      ];
      for (const [window, heir] of pairs) {
        let now = startMs;
        for (const { waitMs, failed, slow } of todo) {
          now += waitMs;
          window.record(now, failed, slow);
        }
        const saved = JSON.parse(JSON.stringify(window.save(now)));
        expect(heir.accepts(saved)).toBe(true);
        heir.load(saved, elsewhereMs, 0);
        expect(heir.save(elsewhereMs)).toEqual(saved);
        window.expire(now);
        expect([heir.calls, heir.failures, heir.slow]).toEqual([
          window.calls,
          window.failures,
          window.slow,
        ]);
      }
    }),
  );
});
