// Whatever happens, and in whichever order: whoever waits for a proposal or a read is told exactly
// once, what waits is counted exactly, and nothing that may have happened is called not executed.

import { NO_BYTES } from "@compendium/raft";
import fc from "fast-check";
import { expect, test } from "vitest";
import { RaftNodeError } from "../../src/node/index.ts";
import { type Answer, Proposals } from "../../src/node/proposals.ts";
import { Reads } from "../../src/node/reads.ts";

const LIMITS = { proposalsMax: 6, proposalBytesMax: 40 };

type Fate = "waiting" | "done" | Error;

interface Waiter {
  fate: Fate;
  readonly controller: AbortController;
  times: number;
}

function follow(promise: Promise<unknown>, controller: AbortController): Waiter {
  const waiter: Waiter = { fate: "waiting", controller, times: 0 };
  const note = (fate: Fate): void => {
    waiter.fate = fate;
    waiter.times++;
  };
  promise.then(
    () => note("done"),
    (error: Error) => note(error),
  );
  return waiter;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

const draw = fc.nat(1_000);
const proposalStep = fc.oneof(
  { weight: 4, arbitrary: fc.record({ add: fc.nat(12), deadline: fc.nat(40) }) },
  {
    weight: 2,
    arbitrary: fc.record({ hand: fc.constantFrom("appended", "forwarded", "refused") }),
  },
  { weight: 2, arbitrary: fc.record({ answer: draw }) },
  { weight: 1, arbitrary: fc.record({ pass: draw }) },
  { weight: 1, arbitrary: fc.record({ cover: draw }) },
  { weight: 1, arbitrary: fc.record({ abort: draw }) },
  { weight: 1, arbitrary: fc.record({ expire: fc.nat(10) }) },
);

test("every proposal is settled once, and none that was handed over is called not executed", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(proposalStep, { maxLength: 60 }), async (steps) => {
      const proposals = new Proposals(LIMITS);
      const waiters: Waiter[] = [];
      const numbers = new Map<number, Waiter>();
      const handed = new Set<Waiter>();
      const superseded = new Set<Waiter>();
      let lastIndex = 0;
      let nowMs = 0;
      let busy = 0;
      for (const step of steps) {
        if ("add" in step) {
          const controller = new AbortController();
          let number = 0;
          const encode = (given: number): Uint8Array => {
            number = given;
            return new Uint8Array(step.add);
          };
          const request = { type: "normal", deadlineMs: nowMs + step.deadline, encode } as const;
          try {
            const waiter = follow(
              proposals.add({ ...request, signal: controller.signal }),
              controller,
            );
            waiters.push(waiter);
            numbers.set(number, waiter);
          } catch (error) {
            expect(error).toMatchObject({ code: "BUSY", outcome: "not-executed" });
            busy++;
          }
        } else if ("hand" in step) {
          const queued = proposals.takeQueued();
          if (step.hand === "refused") proposals.giveBack(queued);
          else {
            const isHere = step.hand === "appended";
            proposals.proposed(queued, isHere ? lastIndex + 1 : 0);
            if (isHere) lastIndex += queued.length;
            for (const { number } of queued) handed.add(numbers.get(number) as Waiter);
          }
        } else if ("answer" in step) {
          // Of this life or of another, handed over or not: only what is known is answered.
          const number = 1 + (step.answer % 20);
          if (handed.has(numbers.get(number) as Waiter)) {
            proposals.answer(number, { index: 1, result: NO_BYTES } satisfies Answer);
          }
        } else if ("pass" in step) {
          proposals.passed(step.pass % (lastIndex + 1), ({ number }) => {
            superseded.add(numbers.get(number) as Waiter);
            return new RaftNodeError("SUPERSEDED", "", "not-executed");
          });
        } else if ("cover" in step) proposals.covered(step.cover % (lastIndex + 1));
        else if ("abort" in step) {
          waiters[step.abort % Math.max(1, waiters.length)]?.controller.abort(new Error("abort"));
        } else {
          nowMs += step.expire;
          proposals.expire(nowMs);
        }
        await settled();
        expect(proposals.size).toBe(waiters.filter(({ fate }) => fate === "waiting").length);
        expect(proposals.size).toBeLessThanOrEqual(LIMITS.proposalsMax);
      }
      proposals.endAll("CLOSED", "closed");
      await settled();
      for (const waiter of waiters) {
        const { fate, times } = waiter;
        expect(times).toBe(1);
        if (!(fate instanceof RaftNodeError)) continue;
        const mayHaveHappened = handed.has(waiter) && !superseded.has(waiter);
        expect(fate.outcome).toBe(mayHaveHappened ? "unknown" : "not-executed");
      }
      expect(proposals.size).toBe(0);
      expect(proposals.bytes).toBe(0);
      expect(proposals.hasQueued).toBe(false);
      const { endings } = proposals;
      const sum = Object.values(endings).reduce((all, count) => all + count, 0);
      expect(sum).toBe(waiters.length + busy);
    }),
  );
});

const readStep = fc.oneof(
  { weight: 4, arbitrary: fc.record({ add: fc.nat(40) }) },
  { weight: 3, arbitrary: fc.record({ ask: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ confirm: draw, later: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ apply: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ giveUp: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ abort: draw }) },
  { weight: 1, arbitrary: fc.record({ expire: fc.nat(10) }) },
);

test("every read is settled once, by a question that was asked after it came", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(readStep, { maxLength: 60 }), async (steps) => {
      const reads = new Reads(7, 6);
      const waiters: Waiter[] = [];
      // What had been committed when each read came: it must see that, at least.
      const owed: number[] = [];
      const questions: { context: Uint8Array; askedAt: number }[] = [];
      let committed = 0;
      let applied = 0;
      let nowMs = 0;
      for (const step of steps) {
        if ("add" in step) {
          const controller = new AbortController();
          try {
            const promise = reads.add(nowMs + step.add, controller.signal);
            const at = waiters.length;
            owed.push(committed);
            waiters.push(follow(promise, controller));
            void promise.then(
              (index) => {
                expect(index).toBeGreaterThanOrEqual(owed[at] as number);
                expect(applied).toBeGreaterThanOrEqual(index);
              },
              () => {},
            );
          } catch (error) {
            expect(error).toMatchObject({ code: "BUSY", outcome: "not-executed" });
          }
        } else if ("ask" in step) {
          reads.ask(nowMs, (context) => {
            if (!step.ask) return "no-leader";
            questions.push({ context: context.slice(), askedAt: committed });
            return undefined;
          });
        } else if ("confirm" in step) {
          // Also of questions that were given up, and twice.
          const question = questions[step.confirm % Math.max(1, questions.length)];
          committed += step.later;
          if (question !== undefined) {
            reads.confirmed({ index: question.askedAt, context: question.context });
          }
        } else if ("apply" in step) {
          applied = Math.min(committed, applied + step.apply);
          reads.applied(applied);
        } else if ("giveUp" in step) reads.giveUp(step.giveUp ? undefined : nowMs - 20);
        else if ("abort" in step) {
          waiters[step.abort % Math.max(1, waiters.length)]?.controller.abort(new Error("abort"));
        } else {
          nowMs += step.expire;
          reads.expire(nowMs);
        }
        await settled();
        expect(reads.size).toBe(waiters.filter(({ fate }) => fate === "waiting").length);
        expect(reads.size).toBeLessThanOrEqual(6);
      }
      reads.endAll("CLOSED", "closed");
      await settled();
      for (const { times } of waiters) expect(times).toBe(1);
      expect(reads.size).toBe(0);
    }),
  );
});
