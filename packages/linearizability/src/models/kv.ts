// A map: each key is an object of its own, with a value or without.
import { type Foreseen, type Model, UNKNOWN } from "../model.ts";
import type { Operation } from "../operation.ts";
import { foreseeLastVisits } from "./last-visits.ts";
import { show, UNOBSERVED, type Value } from "./values.ts";

/** What a map is asked. A `cas` from `null` creates, to `null` deletes. */
export type KvInput =
  | { readonly f: "get"; readonly key: string }
  | { readonly f: "put"; readonly key: string; readonly value: Value }
  | { readonly f: "append"; readonly key: string; readonly value: string }
  | { readonly f: "cas"; readonly key: string; readonly from: Value; readonly to: Value }
  | { readonly f: "delete"; readonly key: string };

/** What `get` found; for `cas`, whether the value was as compared; nothing for the others. */
export type KvOutput = Value | undefined;

/** A key's value; or that it has one which no answer shows, nor will with more appended. */
export type KvState = Value | typeof UNOBSERVED;

/**
 * A map whose absent keys read as `absent` (default `null`; `""` for stores that do not tell an
 * absent key from an empty one). `append` to an absent key begins with the empty string.
 */
export function kvModel(
  options: { readonly absent?: Value } = {},
): Model<KvState, KvInput, KvOutput> {
  const { absent = null } = options;
  return {
    name: "kv",
    init: () => absent,
    partition: ({ key }) => key,
    isRead: (input, output) => input.f === "get" || (input.f === "cas" && output === false),
    step(value, input, output) {
      switch (input.f) {
        case "get":
          return output === UNKNOWN || output === value ? value : undefined;
        case "put":
          return input.value;
        case "append":
          if (value === UNOBSERVED) return value;
          return value === absent ? input.value : `${value}${input.value}`;
        case "delete":
          return absent;
        case "cas": {
          const matches = value === input.from;
          if (output !== UNKNOWN && output !== matches) return undefined;
          return matches ? input.to : value;
        }
      }
    },
    foresee: (operations) => {
      const isObserved = observedBeginnings(operations);
      const words = new Set(operations.map(({ input }) => input.f));
      if (!words.has("append")) {
        const returnsTo = foreseeLastVisits(operations, absent);
        return (before, after, { return: now }) => {
          if (before !== after && returnsTo(before, now as number)) return undefined;
          return after === absent || isObserved(after) ? after : UNOBSERVED;
        };
      }
      const onlyGrows = !words.has("put") && !words.has("delete") && !words.has("cas");
      const lengthMax = onlyGrows ? foreseeLength(operations) : () => Number.POSITIVE_INFINITY;
      return (_, after, awaited) => {
        if (after === absent) return after;
        const shown = isObserved(after);
        const length = shown ? String(after).length : Number.MAX_SAFE_INTEGER;
        return length > lengthMax(awaited) ? undefined : shown ? after : UNOBSERVED;
      };
    },
    describe(input, output) {
      const known = output !== UNKNOWN;
      switch (input.f) {
        case "get":
          return `get ${input.key}${known ? `: ${show(output ?? null)}` : ""}`;
        case "delete":
          return `delete ${input.key}`;
        case "cas": {
          const asked = `cas ${input.key} ${show(input.from)} → ${show(input.to)}`;
          return known ? `${asked}: ${output}` : asked;
        }
        default:
          return `${input.f} ${input.key} ${show(input.value)}`;
      }
    },
    describeState: (value) => (value === UNOBSERVED ? "unobserved" : show(value)),
  };
}

// Fifty concurrent appends can come in fifty factorial orders, and nearly all of them make a text
// that is the beginning of nothing that anybody saw.
function observedBeginnings(
  operations: readonly Operation<KvInput, KvOutput>[],
): (value: KvState) => boolean {
  const seen = new Set<string>();
  for (const { input, output, return: returned } of operations) {
    if (input.f === "get" && returned !== undefined) seen.add(String(output));
    if (input.f === "cas") seen.add(String(input.from));
  }
  const texts = [...seen].sort();
  return (value) => {
    const text = String(value);
    // The first that is not before it: if any begins with it, this one does.
    let [low, high] = [0, texts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((texts[middle] as string) < text) low = middle + 1;
      else high = middle;
    }
    return texts[low]?.startsWith(text) ?? false;
  };
}

// A text that only grows is never longer than any that is still to be read; a text that is the
// beginning of none of them is too long at any length. With puts among the appends, nothing is
// foreseen: the text may begin anew.
function foreseeLength(
  operations: readonly Foreseen<KvInput, KvOutput>[],
): (awaited: Foreseen<KvInput, KvOutput>) => number {
  const lengthOf = ({ output }: Foreseen<KvInput, KvOutput>): number => {
    return output === null || output === undefined ? 0 : String(output).length;
  };
  const gets = operations.filter(({ input, required }) => input.f === "get" && required);
  gets.sort((a, b) => a.call - b.call);
  // For each, the shortest text read by it or by one that is called later.
  const shortest = gets.map(lengthOf);
  for (let i = shortest.length - 2; i >= 0; i--) {
    shortest[i] = Math.min(shortest[i] as number, shortest[i + 1] as number);
  }
  return (awaited) => {
    const now = awaited.return as number;
    let [low, high] = [0, gets.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((gets[middle] as Foreseen<KvInput, KvOutput>).call <= now) low = middle + 1;
      else high = middle;
    }
    const later = shortest[low] ?? Number.POSITIVE_INFINITY;
    return awaited.input.f === "get" ? Math.min(later, lengthOf(awaited)) : later;
  };
}
