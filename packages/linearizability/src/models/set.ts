// A set. Asked only about single elements, it is one object for each of them: there, or not. A
// single `read` of all elements ties them together, and then the history is checked as a whole.
//
// The state is a text with one bit for each element that the model has met, sixteen to a character:
// texts are compared and hashed by the engine, and a thousand elements take 126 bytes.
import { type Foreseen, type Model, UNKNOWN } from "../model.ts";
import { show, type Value } from "./values.ts";

/** What a set is asked. */
export type SetInput =
  | { readonly f: "add"; readonly value: Value }
  | { readonly f: "remove"; readonly value: Value }
  | { readonly f: "contains"; readonly value: Value }
  | { readonly f: "read" };

/**
 * `add` and `remove`: whether that changed the set, or `undefined` where the store does not say.
 * `contains`: whether it is there. `read`: all elements, in any order.
 */
export type SetOutput = boolean | readonly Value[] | undefined;

const BITS = 16;

/** A set, empty at first. */
export function setModel(): Model<string, SetInput, SetOutput> {
  const elements = new Elements();
  return {
    name: "set",
    init: () => "",
    partition: (input) => (input.f === "read" ? undefined : show(input.value)),
    isRead({ f }, output) {
      return f === "contains" || f === "read" || output === false;
    },
    step(state, input, output) {
      if (input.f === "read") {
        return output === UNKNOWN || elements.equals(state, output) ? state : undefined;
      }
      const element = elements.numberOf(input.value);
      const there = has(state, element);
      const answer = input.f === "add" ? !there : there;
      if (typeof output === "boolean" && output !== answer) return undefined;
      return answer && input.f !== "contains" ? toggle(state, element) : state;
    },
    foresee(operations) {
      // An element that is never removed stays: then no later read may lack it.
      const words = new Set(operations.map(({ input }) => input.f));
      const reads = operations.filter(({ input, required }) => input.f === "read" && required);
      if (words.has("remove") || reads.length === 0) return undefined;
      const contents = new Map(
        reads.map((read) => [read, new Set(read.output as readonly Value[])]),
      );
      const lastLacking = lastCallsLacking(operations, reads, contents);
      return (before, after, awaited) => {
        if (before === after) return after;
        const element = elements.values[difference(before, after)] as Value;
        const gone = contents.get(awaited)?.has(element) === false;
        const now = awaited.return as number;
        return gone || (lastLacking.get(element) ?? now) > now ? undefined : after;
      };
    },
    describe(input, output) {
      const asked = input.f === "read" ? "read" : `${input.f} ${show(input.value)}`;
      if (output === UNKNOWN || output === undefined) return asked;
      return `${asked}: ${typeof output === "boolean" ? output : `{${output.map(show).join(", ")}}`}`;
    },
    describeState: (state) => `{${elements.in(state).map(show).join(", ")}}`,
  };
}

// Numbers for elements, in the order in which they are met. That order decides how a state is
// written, and nothing else.
class Elements {
  readonly values: Value[] = [];
  readonly #numbers = new Map<Value, number>();

  numberOf(value: Value): number {
    const known = this.#numbers.get(value);
    if (known !== undefined) return known;
    const number = this.values.push(value) - 1;
    this.#numbers.set(value, number);
    return number;
  }

  in(state: string): Value[] {
    return this.values.filter((_, element) => has(state, element));
  }

  equals(state: string, output: SetOutput): boolean {
    if (!Array.isArray(output)) return false;
    const values = new Set<Value>(output);
    // Nothing may be listed twice, nothing be there unlisted, nothing be listed and not there.
    if (values.size !== output.length || values.size !== sizeOf(state)) return false;
    for (const value of values) if (!has(state, this.numberOf(value))) return false;
    return true;
  }
}

// For each element that is added, the last call of a read that lacks it.
function lastCallsLacking(
  operations: readonly Foreseen<SetInput, SetOutput>[],
  reads: readonly Foreseen<SetInput, SetOutput>[],
  contents: ReadonlyMap<Foreseen<SetInput, SetOutput>, ReadonlySet<Value>>,
): Map<Value, number> {
  const latestFirst = reads.toSorted((a, b) => b.call - a.call);
  const last = new Map<Value, number>();
  for (const { input } of operations) {
    if (input.f !== "add" || last.has(input.value)) continue;
    const lacking = latestFirst.find((read) => !contents.get(read)?.has(input.value));
    if (lacking !== undefined) last.set(input.value, lacking.call);
  }
  return last;
}

// The number of the first element that one has and the other has not.
function difference(one: string, other: string): number {
  let at = 0;
  while (one.charCodeAt(at) === other.charCodeAt(at)) at++;
  // Past the end of a text, charCodeAt is NaN, and its bits are none.
  const bits = one.charCodeAt(at) ^ other.charCodeAt(at);
  return at * BITS + Math.log2(bits & -bits);
}

function has(state: string, element: number): boolean {
  const character = state.charCodeAt(Math.floor(element / BITS));
  return ((character >>> (element % BITS)) & 1) === 1;
}

// Trailing zeros are cut off, so that one set is one text.
function toggle(state: string, element: number): string {
  const at = Math.floor(element / BITS);
  const padded = state.padEnd(at + 1, "\0");
  const changed = String.fromCharCode(padded.charCodeAt(at) ^ (1 << (element % BITS)));
  return `${padded.slice(0, at)}${changed}${padded.slice(at + 1)}`.replace(/\0+$/, "");
}

function sizeOf(state: string): number {
  let size = 0;
  for (let i = 0; i < state.length; i++) {
    for (let bits = state.charCodeAt(i); bits !== 0; bits &= bits - 1) size++;
  }
  return size;
}
