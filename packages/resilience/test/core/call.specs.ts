// Calls: aborts, forks, listeners, signals (src/call.ts, src/tally.ts).
import { ManualClock } from "@compendium/runtime";
import fc from "fast-check";
import { expect } from "vitest";
import type { Call } from "../../src/call.ts";
import { turn } from "./helpers.ts";
import type { Specs, Subject } from "./subject.ts";

function makeCall({ Call }: Subject, clock = new ManualClock(), deadlineMs = Infinity): Call {
  return new Call({
    work: () => undefined,
    clock,
    deadlineMs,
    idempotent: false,
    criticality: "critical",
    key: undefined,
  });
}

export const callSpecs: Specs = {
  "aborting a fork leaves its parent alone; aborting the parent reaches the fork": (subject) => {
    const parent = makeCall(subject);
    const [one, two] = [parent.fork(), parent.fork()];
    one.abort("enough");
    expect([parent.aborted, one.aborted, two.aborted]).toEqual([false, true, false]);
    parent.abort("more");
    expect([parent.reason, one.reason, two.reason]).toEqual(["more", "enough", "more"]);
  },

  "a fork that was released does not hear of its parent's abort": (subject) => {
    const parent = makeCall(subject);
    const fork = parent.fork();
    fork.release();
    fork.release();
    parent.abort("enough");
    expect(fork.aborted).toBe(false);
  },

  "a fork of an aborted call is aborted; the first reason stands": (subject) => {
    const parent = makeCall(subject);
    parent.abort("first");
    parent.abort("second");
    expect(parent.fork().reason).toBe("first");
  },

  "a fork has the earlier of two deadlines, and whatever else its parent has": (subject) => {
    const clock = new ManualClock({ nowMs: 1_000 });
    const parent = makeCall(subject, clock, 1_100);
    expect(parent.fork(5_000).remainingMs()).toBe(100);
    expect(parent.fork(1_010).remainingMs()).toBe(10);
    clock.advance(200);
    expect(parent.remainingMs()).toBe(-100);
    expect(makeCall(subject).remainingMs()).toBe(Infinity);
  },

  "everyone who listens is told once, in the turn of the abort, unless disposed of": (subject) => {
    // Each step adds a listener, or disposes of one; a listener may dispose of another when told.
    const step = fc.record({ add: fc.boolean(), which: fc.nat(9), onNotify: fc.option(fc.nat(9)) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const call = makeCall(subject);
        const told: number[] = [];
        const listeners: { dispose(): void }[] = [];
        const disposed = new Set<number>();
        const disposeOf = (index: number) => {
          listeners[index]?.dispose();
          if (index < listeners.length) disposed.add(index);
        };
        const victims: (number | null)[] = [];
        for (const { add, which, onNotify } of steps) {
          if (!add) disposeOf(which);
          else {
            const index = listeners.length;
            victims.push(onNotify);
            const notify = () => {
              told.push(index);
              if (onNotify !== null) disposeOf(onNotify);
            };
            listeners.push(call.onAbort(notify));
          }
        }
        const expected: number[] = [];
        const gone = new Set(disposed);
        for (let index = listeners.length - 1; index >= 0; index--) {
          if (gone.has(index)) continue;
          expected.push(index);
          const victim = victims[index];
          if (victim !== null && victim !== undefined) gone.add(victim);
        }
        call.abort("enough");
        expect(told).toEqual(expected);
        for (const listener of listeners) listener.dispose();
      }),
    );
  },

  "a listener that throws keeps nobody from being told; then the error surfaces": (subject) => {
    const call = makeCall(subject);
    const told: string[] = [];
    const { signal } = call;
    call.onAbort(() => told.push("first"));
    call.onAbort(() => {
      throw new Error("mine");
    });
    expect(() => call.abort("enough")).toThrow("mine");
    expect(told).toEqual(["first"]);
    expect(signal.aborted).toBe(true);
  },

  "who listens to an aborted call is told at once": (subject) => {
    const call = makeCall(subject);
    call.abort("enough");
    const told: unknown[] = [];
    call.onAbort((reason) => told.push(reason)).dispose();
    expect(told).toEqual(["enough"]);
  },

  "the signal is aborted with the call's reason, whenever it was asked for": (subject) => {
    const [before, after] = [makeCall(subject), makeCall(subject)];
    const { signal } = before;
    expect(before.signal).toBe(signal);
    for (const call of [before, after]) call.abort("enough");
    for (const call of [before, after]) expect(call.signal.reason).toBe("enough");
    expect(signal.aborted).toBe(true);
  },

  "afterWork waits for the last work, and not where none runs": async ({ Tally }) => {
    const tally = new Tally();
    let told = 0;
    tally.afterWork(() => told++);
    expect(told).toBe(1);
    const ends = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    for (const { promise } of ends) tally.began(promise);
    tally.afterWork(() => told++);
    ends[0].reject(new Error("down"));
    await turn();
    expect(told).toBe(1);
    ends[1].resolve();
    await turn();
    expect(told).toBe(2);
  },
};
