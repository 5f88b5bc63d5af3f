// A part of a history, laid out for the search: its calls and returns in order, and for each
// operation the bit that stands for it while it is open.
//
// A bit is lent at the call and given back at the return, so there are as many bits as operations
// of that kind were ever open at once. An operation of unknown outcome never gives its bit back.
import type { Words } from "./configurations.ts";
import { type Model, UNKNOWN } from "./model.ts";
import type { History, Operation } from "./operation.ts";

/** What the search may do with an operation. */
export const kinds = { mutator: 0, read: 1, unknown: 2 } as const;

/** One part of a history. Its operations are numbers, in the order of their calls. */
export interface Schedule {
  /** For each operation, its place in the history. */
  readonly places: Int32Array;
  /** `op` for a call, `~op` for a return; ends with the last return. */
  readonly events: Int32Array;
  /** For each operation, one of `kinds`. */
  readonly kind: Uint8Array;
  /** 1 for each mutator that may as well have done nothing. */
  readonly optional: Uint8Array;
  /** For each operation, its bit among those of its kind. */
  readonly bit: Int32Array;
  /** The operations of unknown outcome; the n-th has bit n. */
  readonly unknown: Int32Array;
  /** For each of those, the last one before it with an equal input (as a bit), or -1. */
  readonly twin: Int32Array;
  /** How many words the bits of each kind fill. */
  readonly words: Words;
}

/** Lays out the operations at those places of the history; none is optional by default. */
export function scheduleOf<Input, Output>(
  history: History<Input, Output>,
  within: readonly number[] | Int32Array,
  model: Pick<Model<never, Input, Output>, "isRead">,
  isOptional: (place: number) => boolean = () => false,
): Schedule {
  const operation = (place: number) => history[place] as Operation<Input, Output>;
  const kindOf = (place: number): number => {
    const { input, output, return: returned } = operation(place);
    if (returned === undefined) return kinds.unknown;
    return model.isRead?.(input, output as Output) ? kinds.read : kinds.mutator;
  };
  let end = Number.NEGATIVE_INFINITY;
  for (const place of within) {
    if (!isOptional(place)) end = Math.max(end, operation(place).return ?? end);
  }
  // What came after the last answer explains nothing; nor does a read that need not have happened.
  const explains = (place: number): boolean => {
    const { input, output, call, return: returned } = operation(place);
    if (call > end) return false;
    if (returned === undefined) return !model.isRead?.(input, UNKNOWN);
    return !isOptional(place) || !model.isRead?.(input, output as Output);
  };
  const places = Int32Array.from(within)
    .filter(explains)
    .sort((a, b) => operation(a).call - operation(b).call || a - b);
  const kind = Uint8Array.from(places, kindOf);
  const unknown = Int32Array.from(kind.keys()).filter((op) => kind[op] === kinds.unknown);
  const events = eventsOf(places.length, (op) => operation(places[op] as number), end);
  const { bit, most } = lendBits(events, kind);
  return {
    places,
    events,
    kind,
    optional: Uint8Array.from(places, (place) => (isOptional(place) ? 1 : 0)),
    bit,
    unknown,
    twin: twinsOf(unknown, (op) => operation(places[op] as number).input),
    words: {
      mutators: (most[kinds.mutator] + 31) >>> 5,
      reads: (most[kinds.read] + 31) >>> 5,
      unknown: (unknown.length + 31) >>> 5,
    },
  };
}

// Merges the calls, which are in order already, with the returns. At the same moment calls come
// first, and the operations overlap.
function eventsOf(count: number, operation: (op: number) => Operation, end: number): Int32Array {
  const returnOf = (op: number): number => operation(op).return ?? Number.POSITIVE_INFINITY;
  const returns = Int32Array.from({ length: count }, (_, op) => op)
    .filter((op) => returnOf(op) <= end)
    .sort((a, b) => returnOf(a) - returnOf(b) || a - b);
  const events = new Int32Array(count + returns.length);
  let calls = 0;
  let length = 0;
  for (const op of returns) {
    while (calls < count && operation(calls).call <= returnOf(op)) events[length++] = calls++;
    events[length++] = ~op;
  }
  return events.slice(0, length);
}

type Most = [mutators: number, reads: number, unknown: number];

function lendBits(events: Int32Array, kind: Uint8Array): { bit: Int32Array; most: Most } {
  const bit = new Int32Array(kind.length);
  const most: Most = [0, 0, 0];
  const free: [number[], number[], number[]] = [[], [], []];
  for (const event of events) {
    const op = event < 0 ? ~event : event;
    const of = kind[op] as 0 | 1 | 2;
    if (event < 0) free[of].push(bit[op] as number);
    else bit[op] = free[of].pop() ?? most[of]++;
  }
  return { bit, most };
}

// Whichever of two equal inputs took effect, nobody can tell.
function twinsOf(unknown: Int32Array, inputOf: (op: number) => unknown): Int32Array {
  const last = new Map<string, number>();
  return unknown.map((op, bit) => {
    const key = keyOf(inputOf(op));
    if (key === undefined) return -1;
    const twin = last.get(key) ?? -1;
    last.set(key, bit);
    return twin;
  });
}

// Equal for equal plain data. What holds anything else has no twin: a Map looks like any other.
function keyOf(value: unknown): string | undefined {
  if (typeof value === "symbol" || typeof value === "function") return undefined;
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object" || value === null) return `${typeof value} ${value}`;
  const isArray = Array.isArray(value);
  if (!isArray && Object.getPrototypeOf(value) !== Object.prototype) return undefined;
  const parts: string[] = [];
  for (const [name, each] of Object.entries(value)) {
    const part = keyOf(each);
    if (part === undefined) return undefined;
    parts.push(isArray ? part : `${JSON.stringify(name)}:${part}`);
  }
  return isArray ? `[${parts}]` : `{${parts.sort()}}`;
}
