// A first-in-first-out queue. It cannot be taken apart: the order among all its elements is what it
// promises.
//
// The state is a text with two characters for each waiting element, the next to leave first: they
// are the number that the model gave to its value. Texts are compared and hashed by the engine.
//
// An element that no answer will show stays for ever, and nothing behind it will be seen: from
// there on, a queue is only "blocked", however many orders its writers may have come in.
import { type Foreseen, type Model, UNKNOWN } from "../model.ts";
import { show, type Value } from "./values.ts";

/** What a queue is asked. Several queues under keys are several objects. */
export type QueueInput =
  | { readonly f: "enqueue"; readonly value: Value; readonly key?: string | undefined }
  | { readonly f: "dequeue"; readonly key?: string | undefined }
  | { readonly f: "peek"; readonly key?: string | undefined };

/**
 * `dequeue` and `peek`: the element, or `undefined` where the queue was empty. `enqueue`: `false`
 * where it was refused and changed nothing, anything else where it was taken.
 */
export type QueueOutput = Value | undefined;

// No value has this number.
const BLOCKED = "\uffff\uffff";

/** A queue, or one for each key, empty at first. */
export function queueModel(): Model<string, QueueInput, QueueOutput> {
  const values: Value[] = [];
  const characters = new Map<Value, string>();
  const characterOf = (value: Value): string => {
    let character = characters.get(value);
    if (character === undefined) {
      const number = values.push(value) - 1;
      character = String.fromCharCode(number >>> 16, number & 0xffff);
      characters.set(value, character);
    }
    return character;
  };
  const valueAt = (state: string, at: number): Value => {
    return values[state.charCodeAt(at) * 65_536 + state.charCodeAt(at + 1)] as Value;
  };
  return {
    name: "queue",
    init: () => "",
    partition: (input) => input.key ?? "",
    isRead(input, output) {
      if (input.f === "enqueue") return output === false;
      return input.f === "peek" || output === undefined;
    },
    step(state, input, output) {
      if (input.f === "enqueue") {
        if (output === false || state.endsWith(BLOCKED)) return state;
        return state + characterOf(input.value);
      }
      if (state === BLOCKED) return undefined;
      const first = state === "" ? undefined : valueAt(state, 0);
      if (output !== UNKNOWN && output !== first) return undefined;
      return input.f === "dequeue" ? state.slice(2) : state;
    },
    foresee(operations) {
      const leaves = departures(operations);
      const lost = operations.filter(({ input, return: returned }) => {
        return input.f === "dequeue" && returned === undefined;
      }).length;
      return (before, after, { return: now }) => {
        if (after.length > before.length && overtakes(leaves, after, valueAt)) return undefined;
        // So many elements that nobody shows may leave, to whoever saw no answer.
        let unseen = lost;
        for (let at = 0; at < after.length && !after.startsWith(BLOCKED, at); at += 2) {
          const departure = leaves.get(valueAt(after, at));
          const stays = departure === undefined || departure.until < (now as number);
          if (stays && unseen-- === 0) return after.slice(0, at) + BLOCKED;
        }
        return after;
      };
    },
    describe(input, output) {
      if (input.f === "enqueue") {
        return `enqueue ${show(input.value)}${output === false ? ": refused" : ""}`;
      }
      if (output === UNKNOWN) return input.f;
      return `${input.f}: ${output === undefined ? "empty" : show(output)}`;
    },
    describeState(state) {
      const list: string[] = [];
      for (let at = 0; at < state.length; at += 2) {
        list.push(state.startsWith(BLOCKED, at) ? "blocked" : show(valueAt(state, at)));
      }
      return `[${list.join(", ")}]`;
    },
  };
}

// When an element leaves, if it is there once.
interface Departure {
  /** The last return of an answer that shows the value. */
  until: number;
  /** The call of the one required `dequeue` of a value that is enqueued once; else unset. */
  from: number | undefined;
  enqueued: number;
  dequeued: number;
}

// By value.
function departures(
  operations: readonly Foreseen<QueueInput, QueueOutput>[],
): Map<Value, Departure> {
  const leaves = new Map<Value, Departure>();
  const of = (value: Value): Departure => {
    const known = leaves.get(value);
    if (known !== undefined) return known;
    const until = Number.NEGATIVE_INFINITY;
    const fresh: Departure = { until, from: undefined, enqueued: 0, dequeued: 0 };
    leaves.set(value, fresh);
    return fresh;
  };
  for (const { input, output, call, return: returned, required } of operations) {
    if (input.f === "enqueue") {
      if (output !== false) of(input.value).enqueued++;
      continue;
    }
    if (returned === undefined || output === undefined) continue;
    const departure = of(output);
    departure.until = Math.max(departure.until, returned);
    if (input.f === "peek") continue;
    departure.dequeued++;
    departure.from = required ? call : undefined;
  }
  for (const departure of leaves.values()) {
    if (departure.enqueued !== 1 || departure.dequeued !== 1) departure.from = undefined;
  }
  return leaves;
}

// Whether the last element must leave before one that stands ahead of it can.
function overtakes(
  leaves: ReadonlyMap<Value, Departure>,
  state: string,
  valueAt: (state: string, at: number) => Value,
): boolean {
  if (state.endsWith(BLOCKED)) return false;
  const last = leaves.get(valueAt(state, state.length - 2));
  if (last?.from === undefined) return false;
  for (let at = 0; at < state.length - 2; at += 2) {
    const ahead = leaves.get(valueAt(state, at))?.from;
    if (ahead !== undefined && ahead > last.until) return true;
  }
  return false;
}
