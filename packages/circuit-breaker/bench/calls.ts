// What one call costs: success, failure and refusal, through breakers of the same kind, beside the
// call that has no breaker at all.
import type { CircuitBreakerError } from "@compendium/circuit-breaker";
import {
  type Call,
  cockatiel,
  type Kind,
  openBreakers,
  opossum,
  ours,
  type Work,
} from "./breakers.ts";
import { LoopClock } from "./loop-clock.ts";
import { type Contestant, measure } from "./rounds.ts";
import { makeRow, type Row, show } from "./row.ts";

const UNIT = "ns CPU a call";

const succeed: Work = async () => 1;

// A shared error: making one would cost more than everything that is measured here.
const down = new Error("down");
let calls = 0;
let filling = false;
// One call in 64 succeeds, so that no breaker reaches its threshold; and all that fill a window
// do, or filling opossum's would take hours.
const fail: Work = async () => {
  if (filling || ++calls % 64 === 0) return 1;
  throw down;
};

const kinds: readonly (readonly [string, Kind])[] = [
  ["failures in a row", "consecutive"],
  ...[100, 10_000, 100_000].map((count) => [`last ${show(count)} calls`, { count }] as const),
  ["last 10 s", "time"],
];

/** Calls that succeed and are not timed; opossum's always are. */
export async function successes(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, kind] of kinds) {
    const row = [
      { name: "ours", call: ours(kind, succeed) },
      { name: "bare", call: () => succeed() },
      { name: "cockatiel", call: cockatiel(kind, succeed) },
      { name: "opossum", call: opossum(succeed) },
    ];
    rows.push(await measureRow(`success, ${name}`, kind, row));
  }
  return rows;
}

/** Calls that succeed and are timed. */
export async function timedSuccesses(): Promise<Row[]> {
  const kind = { count: 100 };
  const slowAfterMs = 1_000;
  const clocks: [string, Call][] = [
    ["performance.now()", ours(kind, succeed, { slowAfterMs })],
    ["a reading a turn", ours(kind, succeed, { slowAfterMs, clock: new LoopClock() })],
    ["a clock at no cost", ours(kind, succeed, { slowAfterMs, clock: { now: () => 1.5 } })],
  ];
  const rows: Row[] = [];
  for (const [name, call] of clocks) {
    const row = [
      { name: "ours", call },
      { name: "bare", call: () => succeed() },
      { name: "cockatiel", call: cockatiel(kind, succeed, true) },
      { name: "opossum", call: opossum(succeed) },
    ];
    rows.push(await measureRow(`timed, ${name}`, kind, row));
  }
  return rows;
}

/** Calls that fail with an error made beforehand. */
export async function failures(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, kind] of kinds) {
    // Opossum's window is one of time: an hour of it holds every call that it is filled with.
    const held = typeof kind === "object" ? kind.count : 100;
    const row = [
      { name: "ours", call: ours(kind, fail) },
      { name: "bare", call: () => fail() },
      { name: "cockatiel", call: cockatiel(kind, fail) },
      { name: "opossum", call: opossum(fail, 3_600_000), times: held > 1_000 ? 3 : 10, held },
    ];
    rows.push(await measureRow(`failure, ${name}`, kind, row));
  }
  return rows;
}

/** Calls that an open breaker refuses, beside a rejection with an error of the same shape. */
export async function refusals(): Promise<Row[]> {
  const { ours: call, cockatiel, opossum } = await openBreakers();
  const { message } = (await call().catch((reason) => reason)) as CircuitBreakerError;
  const contestants: Contestant[] = [
    { name: "ours", call },
    { name: "bare", call: () => Promise.reject(new StacklessError(message, "preview", 30_000)) },
    { name: "cockatiel", call: cockatiel },
    { name: "opossum", call: opossum },
  ];
  return [await measureRow("refusal while open", undefined, contestants)];
}

class StacklessError extends Error {
  readonly code = "CIRCUIT_OPEN";
  readonly breaker: string;
  readonly retryAfterMs: number;

  constructor(message: string, breaker: string, retryAfterMs: number) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = limit;
    this.breaker = breaker;
    this.retryAfterMs = retryAfterMs;
  }
}

async function measureRow(
  name: string,
  kind: Kind | undefined,
  contestants: readonly (Contestant & { held?: number })[],
): Promise<Row> {
  const size = typeof kind === "object" ? kind.count : 100;
  for (const { call, held } of contestants) {
    if (kind !== undefined) await fill(call, held ?? size);
  }
  const figures = await measure(contestants);
  return makeRow(
    name,
    UNIT,
    contestants.map(({ name }, i) => [name, figures[i] as number] as const),
  );
}

// The window is full before the first measured call.
async function fill(call: Call, times: number): Promise<void> {
  filling = true;
  for (let i = 0; i < times; i++) await call();
  filling = false;
}
