// What a call costs through several policies at once, beside the call that has none.
import { type Contestant, measure } from "./rounds.ts";
import { makeRow, type Row } from "./row.ts";
import { type Kind, opossum, ours, theirs, type Work } from "./stacks.ts";

// Calls per round, where one takes microseconds.
const FEWER = 10_000;

const UNIT = "ns CPU a call";

const succeed: Work = async () => 1;

// A shared error: making one would cost more than everything that is measured here.
const down = new Error("down");
let calls = 0;
// One call in 64 succeeds, so that no breaker reaches its threshold.
const fail: Work = async () => {
  if (++calls % 64 === 0) return 1;
  throw down;
};

const three: readonly Kind[] = ["retry", "breaker", "timeout"];
const four: readonly Kind[] = [...three, "bulkhead"];

/** Calls that succeed. */
export async function successes(): Promise<Row[]> {
  const { signal } = new AbortController();
  const bare = { name: "bare", call: () => succeed() };
  const cockatiel = (kinds: readonly Kind[], signal?: AbortSignal) => {
    return { name: "cockatiel", call: theirs(kinds, succeed, signal), times: FEWER };
  };
  const mine = (kinds: readonly Kind[], options?: Parameters<typeof ours>[2]) => {
    return { name: "ours", call: ours(kinds, succeed, options) };
  };
  return [
    await row("no policy", [mine([]), bare]),
    await row("retry, breaker, timeout", [mine(three), bare, cockatiel(three)]),
    await row("and bulkhead", [mine(four), bare, cockatiel(four)]),
    await row("and a caller's signal", [mine(four, { signal }), bare, cockatiel(four, signal)]),
    await row("and a deadline", [mine(four, { signal, deadlineInMs: 1_000 }), bare]),
    await row("breaker, timeout, bulkhead", [
      mine(four.slice(1)),
      bare,
      cockatiel(four.slice(1)),
      { name: "opossum", call: opossum(succeed), times: FEWER },
    ]),
  ];
}

/** Calls that fail with an error made beforehand, and are not repeated. */
export async function failures(): Promise<Row[]> {
  const contestants = [
    { name: "ours", call: ours(four, fail) },
    { name: "bare", call: () => fail() },
    { name: "cockatiel", call: theirs(four, fail), times: FEWER },
  ];
  // A window with one call in it has a rate of 1.
  for (const { call } of contestants) {
    for (let i = 0; i < 100; i++) await filling(call);
  }
  return [await row("a failure, all four", contestants)];
}

async function filling(call: () => Promise<unknown>): Promise<void> {
  calls = 63;
  await call();
}

async function row(name: string, contestants: readonly Contestant[]): Promise<Row> {
  const figures = await measure(contestants);
  return makeRow(
    name,
    UNIT,
    contestants.map(({ name }, i) => [name, figures[i] as number] as const),
  );
}
