// What every policy promises about giving up, on random schedules in virtual time: callers come,
// their work succeeds, fails or hangs, and somebody aborts at any moment, even while work starts.
//
//  - The caller is answered in the turn of the abort, with its reason.
//  - So is whoever stands outside the policy, unless running work ignores its abort.
//  - Nothing is started for a call that was aborted: no attempt, no turn in a queue.
//  - Nothing stays behind: in the end every promise is settled, no timer is set, and nobody
//  listens.

import {
  type AbortListener,
  type Call,
  type Criticality,
  type Policy,
  pipelineOn,
} from "@compendium/resilience";
import { ManualClock } from "@compendium/runtime";
import fc from "fast-check";
import { expect, test } from "vitest";

/**
 * One caller, and how its work behaves. Times in ms; the caller's from the start of the schedule.
 */
export interface Caller {
  comesAtMs: number;
  /** When it gives up; undefined: never. "in work": as soon as its work starts. */
  abortsAtMs: number | "in work" | undefined;
  /** Who aborts: the caller, through its signal, or a policy further out, through a fork. */
  through: "signal" | "policy";
  workMs: number;
  ends: "succeeds" | "fails" | "hangs";
  heedsAbort: boolean;
  deadlineInMs: number | undefined;
  idempotent: boolean;
  criticality: Criticality;
  key: "a" | "b" | undefined;
}

const time = fc.integer({ min: 0, max: 120 });

const caller: fc.Arbitrary<Caller> = fc.record({
  comesAtMs: time,
  abortsAtMs: fc.option(fc.oneof(time, time, fc.constant("in work" as const)), { nil: undefined }),
  through: fc.constantFrom("signal", "policy"),
  workMs: time,
  ends: fc.constantFrom("succeeds", "succeeds", "fails", "hangs"),
  heedsAbort: fc.boolean(),
  deadlineInMs: fc.option(fc.integer({ min: 1, max: 150 }), { nil: undefined }),
  idempotent: fc.boolean(),
  criticality: fc.constantFrom<Criticality[]>("critical-plus", "critical", "sheddable"),
  key: fc.constantFrom("a", "a", "b", undefined),
});

/** Runs the contract. `make` returns fresh policies, outermost first, for each schedule. */
export function describeAbort(
  name: string,
  make: () => readonly Policy<unknown>[],
  { numRuns = 60 }: { numRuns?: number } = {},
): void {
  test(`an abort at any moment settles the caller at once, and starts nothing more: ${name}`, () =>
    fc.assert(
      fc.asyncProperty(fc.array(caller, { minLength: 1, maxLength: 7 }), async (callers) => {
        const clock = new ManualClock();
        const violations: string[] = [];
        const guard = innermost(violations);
        const trips = callers.map((caller) => new Trip(clock, caller, violations));
        // One policy object serves them all; each has a probe of its own outside.
        const policies = make();
        for (const trip of trips) trip.through(pipelineOn(clock, trip.probe, ...policies, guard));
        await drive(clock, trips);
        expect(violations).toEqual([]);
        expect(clock.pendingTimers).toBe(0);
      }),
      { numRuns },
    ));
}

async function drive(clock: ManualClock, trips: readonly Trip[]): Promise<void> {
  const moments = trips.flatMap((trip) => [
    { atMs: trip.caller.comesAtMs, act: () => trip.start() },
    ...(typeof trip.caller.abortsAtMs === "number"
      ? [{ atMs: trip.caller.abortsAtMs, act: () => trip.abort() }]
      : []),
  ]);
  moments.sort((a, b) => a.atMs - b.atMs);
  for (const { atMs, act } of moments) {
    await clock.advanceToAsync(atMs);
    act();
    await sameTurn();
    for (const trip of trips) trip.checkAfterTurn();
  }
  // What hangs without end is given up by its caller: no policy can do more about it.
  await clock.advanceAsync(1_000);
  for (const trip of trips) trip.giveUp();
  await clock.advanceAsync(3_600_000);
  for (const trip of trips) trip.checkAtEnd();
}

// Promise continuations run, and nothing else: no timer, no input, no setImmediate.
async function sameTurn(): Promise<void> {
  for (let i = 0; i < 60; i++) await null;
}

function innermost(violations: string[]): Policy {
  return {
    kind: "custom",
    run: (call, next) => {
      if (call.aborted) violations.push("next was called for a call that had been aborted");
      return next(call);
    },
  };
}

// Notes who listens to a call. A listener that was told, or is disposed of, has lost its call.
function watchListeners(call: Call, into: AbortListener[]): Call {
  const onAbort = call.onAbort.bind(call);
  call.onAbort = (notify) => {
    const listener = onAbort(notify);
    into.push(listener);
    return listener;
  };
  return call;
}

class Trip {
  readonly caller: Caller;
  readonly probe: Policy;
  readonly #clock: ManualClock;
  readonly #violations: string[];
  readonly #controller = new AbortController();
  readonly #reason = new Error("given up");
  #pipeline!: ReturnType<typeof pipelineOn>;
  #fork: Call | undefined;
  readonly #listeners: AbortListener[] = [];
  #started = false;
  #aborted = false;
  // Work that runs and ignores its abort.
  #deaf = 0;
  #wasDeaf = false;
  #wasLate = false;
  #callerSettled = false;
  #policySettled = false;
  #rejectedWith: unknown;

  constructor(clock: ManualClock, caller: Caller, violations: string[]) {
    this.#clock = clock;
    this.caller = caller;
    this.#violations = violations;
    this.probe = {
      kind: "custom",
      run: (call, next) => {
        this.#fork = watchListeners(call.fork(), this.#listeners);
        const result = next(this.#fork);
        const settled = () => {
          this.#policySettled = true;
        };
        result.then(settled, settled);
        return result;
      },
    };
  }

  through(pipeline: ReturnType<typeof pipelineOn>): void {
    this.#pipeline = pipeline;
  }

  start(): void {
    const { deadlineInMs, idempotent, criticality, key } = this.caller;
    const { signal } = this.#controller;
    this.#started = true;
    this.#pipeline
      .call((call) => this.#work(call), { signal, deadlineInMs, idempotent, criticality, key })
      .then(
        () => {
          this.#callerSettled = true;
        },
        (error) => {
          this.#callerSettled = true;
          this.#rejectedWith = error;
        },
      );
  }

  abort(): void {
    if (this.#aborted || this.#callerSettled) return;
    this.#aborted = true;
    this.#wasDeaf = this.#deaf > 0;
    const { comesAtMs, deadlineInMs = Number.POSITIVE_INFINITY } = this.caller;
    this.#wasLate = comesAtMs + deadlineInMs <= this.#clock.now();
    if (this.caller.through === "signal" || this.#fork === undefined) {
      this.#controller.abort(this.#reason);
    } else this.#fork.abort(this.#reason);
  }

  giveUp(): void {
    this.#controller.abort(this.#reason);
  }

  checkAfterTurn(): void {
    if (!this.#aborted || !this.#started) return;
    const { through } = this.caller;
    if (through === "signal" && !this.#callerSettled) this.#violate("the caller still waits");
    if (this.#fork === undefined) return;
    if (!this.#policySettled && this.#deaf === 0) this.#violate("the policy has not let go");
    // Work that ignores its abort may still answer whoever waits for it outside.
    // And a deadline that has passed may be told in the same turn.
    const mustBeReason = (through === "signal" || !this.#wasDeaf) && !this.#wasLate;
    if (mustBeReason && this.#callerSettled && this.#rejectedWith !== this.#reason) {
      this.#violate(`settled with ${this.#rejectedWith}, not with the reason`);
    }
  }

  checkAtEnd(): void {
    if (!this.#callerSettled) this.#violate("the caller waits for ever");
    if (this.#fork !== undefined && !this.#policySettled && this.#deaf === 0) {
      this.#violate("the policy waits for ever");
    }
    // Else a call that lives long gathers a listener for each of its attempts. Work that never ends
    // keeps its own.
    if (this.#deaf === 0 && this.#listeners.some(({ call }) => call !== undefined)) {
      this.#violate("a listener stays behind");
    }
  }

  #work(call: Call): Promise<string> {
    if (this.#aborted) this.#violate("its work was started after the abort");
    const { abortsAtMs, heedsAbort, ends, workMs } = this.caller;
    return new Promise((resolve, reject) => {
      const listener = heedsAbort ? call.onAbort(reject) : undefined;
      if (!heedsAbort) this.#deaf++;
      if (ends !== "hangs") {
        this.#clock.setTimer(this.#clock.now() + workMs, () => {
          listener?.dispose();
          if (!heedsAbort) this.#deaf--;
          if (ends === "succeeds") resolve("done");
          else reject(new Error("failed"));
        });
      }
      if (abortsAtMs === "in work") this.abort();
    });
  }

  #violate(what: string): void {
    this.#violations.push(`${what}, at ${this.#clock.now()} ms: ${JSON.stringify(this.caller)}`);
  }
}
