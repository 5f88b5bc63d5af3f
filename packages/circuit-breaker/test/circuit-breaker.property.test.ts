// The promises of the docstrings, on breakers driven by random permits and times.
import {
  CircuitBreaker,
  type CircuitBreakerOptions,
  type Permit,
} from "@compendium/circuit-breaker";
import { ManualClock, SeededRandom } from "@compendium/runtime";
import fc from "fast-check";
import { expect, test } from "vitest";

const action = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ do: "acquire" as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      which: fc.nat(10),
      how: fc.constantFrom("succeed" as const, "fail" as const, "cancel" as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(60) }) },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;
const actions = fc.array(action, { maxLength: 80 });

const options = fc.record({
  window: fc.constantFrom(
    { kind: "count" as const, calls: 4 },
    { kind: "time" as const, durationMs: 50, buckets: 5 },
  ),
  minimumCalls: fc.integer({ min: 1, max: 4 }),
  openForMs: fc.integer({ min: 1, max: 40 }),
  openJitter: fc.constantFrom(0, 0.5),
  halfOpenCalls: fc.integer({ min: 1, max: 3 }),
  halfOpenForMs: fc.integer({ min: 1, max: 60 }),
  inFlightMax: fc.constantFrom(2, 5, Infinity),
  slowAfterMs: fc.constantFrom(10, 100),
});

interface Seen {
  readonly breaker: CircuitBreaker;
  readonly clock: ManualClock;
  /** Admitted and not settled yet. */
  readonly open: readonly Permit[];
}

/** Does what it is told, and shows the breaker after each action. */
function drive(
  given: CircuitBreakerOptions,
  todo: Action[],
  look: (seen: Seen, answer: ReturnType<CircuitBreaker["acquire"]> | undefined) => void,
): void {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker({ ...given, clock, random: new SeededRandom(1) });
  const open: Permit[] = [];
  for (const act of todo) {
    let answer: ReturnType<CircuitBreaker["acquire"]> | undefined;
    if (act.do === "wait") clock.advance(act.ms);
    if (act.do === "settle") open.splice(act.which % (open.length || 1), 1)[0]?.[act.how]();
    if (act.do === "acquire") {
      answer = breaker.acquire();
      if (answer.admitted) open.push(answer);
    }
    look({ breaker, clock, open }, answer);
  }
}

test("calls in flight are those not settled, and never more than inFlightMax", () => {
  fc.assert(
    fc.property(options, actions, (given, todo) => {
      drive(given, todo, ({ breaker, open }) => {
        expect(breaker.stats().inFlight).toBe(open.length);
        expect(open.length).toBeLessThanOrEqual(given.inFlightMax);
      });
    }),
  );
});

test("retryAfterMs is enough, and one millisecond less is not", () => {
  fc.assert(
    fc.property(options, actions, (given, todo) => {
      drive({ ...given, inFlightMax: Infinity }, todo, ({ breaker, clock }, answer) => {
        if (answer === undefined || answer.admitted || answer.retryAfterMs === undefined) return;
        expect(answer.retryAfterMs).toBeGreaterThan(0);
        // Asked on a copy: asking would move the breaker itself.
        const after = (ms: number) => {
          const later = new ManualClock({ nowMs: clock.now() });
          const copy = new CircuitBreaker({ ...given, inFlightMax: Infinity, clock: later });
          copy.restore(breaker.snapshot());
          later.advance(ms);
          return copy.acquire().admitted;
        };
        expect(after(answer.retryAfterMs - 1)).toBe(false);
        expect(after(answer.retryAfterMs)).toBe(true);
      });
    }),
  );
});

test("at most halfOpenCalls probes are out in a half-open period, and none while open", () => {
  fc.assert(
    fc.property(options, actions, (given, todo) => {
      let probes: Permit[] = [];
      let periods = 0;
      drive(given, todo, ({ breaker, open }, answer) => {
        const { state, entered } = breaker.stats();
        if (entered["half-open"] !== periods) probes = [];
        periods = entered["half-open"];
        if (state === "open") expect(answer?.admitted ?? false).toBe(false);
        if (state === "half-open" && answer?.admitted) probes.push(answer);
        probes = probes.filter((probe) => open.includes(probe));
        expect(probes.length).toBeLessThanOrEqual(given.halfOpenCalls);
      });
    }),
  );
});

test("a snapshot that is restored gives the same snapshot, at any moment", () => {
  fc.assert(
    fc.property(options, actions, (given, todo) => {
      drive(given, todo, ({ breaker, clock }) => {
        const saved = JSON.parse(JSON.stringify(breaker.snapshot()));
        const heir = new CircuitBreaker({ ...given, clock });
        heir.restore(saved);
        expect(heir.snapshot()).toEqual(saved);
      });
    }),
  );
});

test("counts never fall, and every admitted call is counted once it is settled", () => {
  fc.assert(
    fc.property(options, actions, (given, todo) => {
      let admitted = 0;
      let before: Record<string, number> = {};
      drive(given, todo, ({ breaker, open }, answer) => {
        if (answer?.admitted) admitted++;
        const { counts } = breaker.stats();
        const { success, failure, cancelled, ignored } = counts;
        expect(success + failure + cancelled + ignored).toBe(admitted - open.length);
        for (const [name, value] of Object.entries(counts)) {
          expect(value).toBeGreaterThanOrEqual(before[name] ?? 0);
        }
        before = { ...counts };
      });
    }),
  );
});

test("a rest is openForMs × growth^trips up to openForMsMax, and at most openJitter longer", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(), (openJitter, seed) => {
      const clock = new ManualClock();
      const given = { openForMs: 100, openForMsMax: 1_000, openGrowth: 3, halfOpenCalls: 1 };
      const random = new SeededRandom(seed);
      const breaker = new CircuitBreaker({
        ...given,
        consecutiveFailures: 1,
        openJitter,
        clock,
        random,
      });
      for (const grownMs of [100, 300, 900, 1_000, 1_000]) {
        (breaker.acquire() as Permit).fail();
        const { openForMs } = breaker.stats();
        expect(openForMs).toBeGreaterThanOrEqual(grownMs);
        expect(openForMs).toBeLessThanOrEqual(grownMs * (1 + openJitter));
        clock.advance(openForMs);
      }
    }),
  );
});
