// What a breaker weighs, with a window of a hundred calls that is full: heap and external memory
// of ten thousand of them after a collection, and the timers they leave running.
import { CircuitBreaker } from "@compendium/circuit-breaker";
import { CountBreaker, circuitBreaker, handleAll } from "cockatiel";
import OpossumBreaker from "opossum";
import { makeRow, type Row } from "./row.ts";

const BREAKERS = 10_000;
const CALLS = 100;

interface Subject {
  readonly name: string;
  readonly make: () => unknown;
  readonly call: (breaker: unknown) => Promise<unknown>;
  readonly end?: (breaker: unknown) => void;
}

const work = async () => 1;

const subjects: readonly Subject[] = [
  {
    name: "ours",
    make: () => new CircuitBreaker({ name: "preview" }),
    call: (breaker) => (breaker as CircuitBreaker).call(work),
  },
  {
    name: "cockatiel",
    make: () => {
      const breaker = new CountBreaker({ threshold: 0.5, size: CALLS });
      return circuitBreaker(handleAll, { breaker, halfOpenAfter: 30_000 });
    },
    call: (policy) => (policy as ReturnType<typeof circuitBreaker>).execute(work),
  },
  {
    name: "opossum",
    make: () => new OpossumBreaker(work, { name: "preview", timeout: false }),
    call: (breaker) => (breaker as OpossumBreaker).fire(),
    end: (breaker) => (breaker as OpossumBreaker).shutdown(),
  },
];

/** Bytes per breaker, and timers per breaker. */
export async function weights(): Promise<Row[]> {
  const bytes: [string, number][] = [];
  const timers: [string, number][] = [];
  for (const subject of subjects) {
    const weight = await weigh(subject);
    bytes.push([subject.name, weight.bytes]);
    timers.push([subject.name, weight.timers]);
  }
  return [
    makeRow("memory, last 100 calls", "bytes a breaker", bytes),
    makeRow("timers while idle", "timers a breaker", timers),
  ];
}

async function weigh({ make, call, end }: Subject): Promise<{ bytes: number; timers: number }> {
  const breakers: unknown[] = new Array(BREAKERS).fill(undefined);
  const bytesBefore = await usedBytes();
  const stop = countIntervals();
  for (let i = 0; i < BREAKERS; i++) breakers[i] = make();
  const timers = stop() / BREAKERS;
  for (const breaker of breakers) {
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < CALLS; i++) calls.push(call(breaker));
    await Promise.all(calls);
  }
  const bytes = ((await usedBytes()) - bytesBefore) / BREAKERS;
  for (const breaker of breakers) end?.(breaker);
  return { bytes, timers };
}

async function usedBytes(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

// process.getActiveResourcesInfo() lists only timers that keep the process alive; those of a
// breaker do not, but they wake it up all the same. So they are counted where they are made.
function countIntervals(): () => number {
  const { setInterval: original } = globalThis;
  let made = 0;
  const counting = (...args: Parameters<typeof original>) => {
    made++;
    return original(...args);
  };
  globalThis.setInterval = counting as typeof original;
  return () => {
    globalThis.setInterval = original;
    return made;
  };
}
