// A first-in-first-out queue. It cannot be taken apart: the order among all its elements is what it
// promises.
//
// The state is a text with two characters for each waiting element, the next to leave first: they
// are the number that the model gave to its value. Texts are compared and hashed by the engine.
//
// An element that no answer will show stays for ever, and nothing behind it will be seen: from
// there on, a queue is only "blocked", however many orders its writers may have come in.
import { type Model, UNKNOWN } from "../model.ts";
import type { Operation } from "../operation.ts";
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
    simplify(operations) {
      const shownUntil = lastShown(operations);
      if (shownUntil === undefined) return undefined;
      return (state, now) => {
        for (let at = 0; at < state.length && !state.startsWith(BLOCKED, at); at += 2) {
          const until = shownUntil.get(valueAt(state, at));
          if (until === undefined || until < now) return state.slice(0, at) + BLOCKED;
        }
        return state;
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

// For each value, until when an answer may show it; nothing is known where a `dequeue` went
// unanswered.
function lastShown(
  operations: readonly Operation<QueueInput, QueueOutput>[],
): Map<Value, number> | undefined {
  const until = new Map<Value, number>();
  for (const { input, output, return: returned } of operations) {
    if (input.f === "enqueue") continue;
    if (returned === undefined) return undefined;
    if (output !== undefined) until.set(output, Math.max(until.get(output) ?? returned, returned));
  }
  return until;
}
