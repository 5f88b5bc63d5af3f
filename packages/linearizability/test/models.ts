// For each model: arbitrary questions and answers over tiny domains, so that they collide, and a
// real object that is written without the model.

import type {
  KvInput,
  LockInput,
  Model,
  QueueInput,
  RegisterInput,
  SetInput,
} from "@compendium/linearizability";
import * as linearizability from "@compendium/linearizability";
import fc from "fast-check";

/** A model with what the tests need to ask it. */
export interface Subject {
  readonly name: string;
  readonly make: () => Model<unknown, unknown, unknown>;
  /** A question and an answer that may or may not fit. */
  readonly exchange: fc.Arbitrary<{ input: unknown; output: unknown }>;
  /** A real object: takes questions, gives answers. */
  readonly object: () => (input: unknown) => unknown;
}

const value = fc.integer({ min: 0, max: 2 });
const maybe = fc.option(value);
const key = fc.constantFrom("a", "b");
const yes = fc.boolean();
const nothing = fc.constant(undefined);

const ask = (input: Record<string, unknown>, output: fc.Arbitrary<unknown>) =>
  fc.record({
    input: fc.record(
      Object.fromEntries(
        Object.entries(input).map(([name, each]) => [
          name,
          each instanceof fc.Arbitrary ? each : fc.constant(each),
        ]),
      ),
    ),
    output,
  });

const subject = <State, Input>(
  name: string,
  make: () => Model<State, Input, never>,
  exchange: Subject["exchange"],
  object: () => (input: Input) => unknown,
): Subject => ({
  name,
  make: make as unknown as Subject["make"],
  exchange,
  object: object as unknown as Subject["object"],
});

const text = fc.constantFrom("", "x", "y", "xy", "yx", "xx");

/** The models of the package, or of a copy of it. */
export type Package = Pick<
  typeof linearizability,
  "registerModel" | "kvModel" | "setModel" | "queueModel" | "lockModel"
>;

export const subjectsOf = ({
  registerModel,
  kvModel,
  setModel,
  queueModel,
  lockModel,
}: Package): readonly Subject[] => [
  subject(
    "register",
    registerModel,
    fc.oneof(
      ask({ f: "read" }, maybe),
      ask({ f: "write", value }, nothing),
      ask({ f: "cas", from: maybe, to: value }, yes),
    ),
    () => {
      let held: unknown = null;
      return (input: RegisterInput) => {
        if (input.f === "read") return held;
        if (input.f === "write") {
          held = input.value;
          return undefined;
        }
        if (held !== input.from) return false;
        held = input.to;
        return true;
      };
    },
  ),
  subject("kv", kvModel, kvExchange(fc.option(fc.oneof(text, value))), () => kvObject(null)),
  subject(
    "kv where absent is empty",
    () => kvModel({ absent: "" }),
    kvExchange(text),
    () => kvObject(""),
  ),
  subject(
    "set of elements",
    setModel,
    fc.oneof(
      ask({ f: "add", value }, fc.option(yes, { nil: undefined })),
      ask({ f: "remove", value }, fc.option(yes, { nil: undefined })),
      ask({ f: "contains", value }, yes),
    ),
    setObject,
  ),
  subject(
    "set with whole reads",
    setModel,
    fc.oneof(
      ask({ f: "add", value }, fc.option(yes, { nil: undefined })),
      ask({ f: "remove", value }, fc.option(yes, { nil: undefined })),
      ask({ f: "contains", value }, yes),
      ask({ f: "read" }, fc.subarray([0, 1, 2])),
    ),
    setObject,
  ),
  subject(
    "queue",
    queueModel,
    fc.oneof(
      ask({ f: "enqueue", value }, fc.constantFrom(undefined, undefined, undefined, false)),
      ask({ f: "dequeue" }, fc.option(value, { nil: undefined })),
      ask({ f: "peek" }, fc.option(value, { nil: undefined })),
    ),
    () => {
      const waiting: unknown[] = [];
      return (input: QueueInput) => {
        if (input.f === "enqueue") waiting.push(input.value);
        return input.f === "dequeue"
          ? waiting.shift()
          : input.f === "peek"
            ? waiting[0]
            : undefined;
      };
    },
  ),
  subject(
    "lock",
    lockModel,
    ask({ f: fc.constantFrom("acquire", "release"), owner: value, key }, yes),
    () => {
      const holders = new Map<unknown, unknown>();
      return ({ f, owner, key: name }: LockInput) => {
        const free = !holders.has(name);
        if (f === "acquire" && free) holders.set(name, owner);
        if (f === "acquire") return free;
        return holders.get(name) === owner && holders.delete(name);
      };
    },
  ),
];

export const subjects: readonly Subject[] = subjectsOf(linearizability);

function kvExchange(found: fc.Arbitrary<unknown>): Subject["exchange"] {
  const shown = fc.oneof(text, value);
  return fc.oneof(
    ask({ f: "get", key }, found),
    ask({ f: "put", key, value: shown }, nothing),
    ask({ f: "append", key, value: fc.constantFrom("x", "y") }, nothing),
    ask({ f: "cas", key, from: found, to: shown }, yes),
    ask({ f: "delete", key }, nothing),
  );
}

function kvObject(absent: unknown): (input: KvInput) => unknown {
  const map = new Map<string, unknown>();
  return (input) => {
    const held = map.has(input.key) ? map.get(input.key) : absent;
    if (input.f === "get") return held;
    if (input.f === "put") map.set(input.key, input.value);
    if (input.f === "append") map.set(input.key, (held === null ? "" : `${held}`) + input.value);
    if (input.f === "delete") map.delete(input.key);
    if (input.f !== "cas") return undefined;
    if (held === input.from) map.set(input.key, input.to);
    return held === input.from;
  };
}

function setObject(): (input: SetInput) => unknown {
  const set = new Set<unknown>();
  return (input) => {
    if (input.f === "read") return [...set].reverse();
    const there = set.has(input.value);
    if (input.f === "add") set.add(input.value);
    if (input.f === "remove") set.delete(input.value);
    return input.f === "add" ? !there : there;
  };
}
