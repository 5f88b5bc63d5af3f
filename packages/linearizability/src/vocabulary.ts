// How the words of a history file are meant, for each model of this package. They follow Jepsen's
// tests where those have a word for it: `cas` takes [from, to] and fails where the comparison does,
// `dequeue` fails where the queue is empty, a `read` of a register that was never written finds
// nil.
import { brief, type Data, type HistoryEvent } from "./formats/event.ts";
import type { Vocabulary } from "./formats/pair.ts";
import type { KvInput, KvOutput } from "./models/kv.ts";
import type { LockInput, LockOutput } from "./models/lock.ts";
import type { QueueInput, QueueOutput } from "./models/queue.ts";
import type { RegisterInput, RegisterOutput } from "./models/register.ts";
import type { SetInput, SetOutput } from "./models/set.ts";
import type { Value } from "./models/values.ts";

type Refuse = (message: string) => never;

/** Registers: read, write, cas. */
export const registerVocabulary: Vocabulary<RegisterInput, RegisterOutput> = {
  input({ f, key, value }, refuse) {
    const named = key === undefined ? {} : { key };
    if (f === "read") return { f, ...named };
    if (f === "write") return { f, ...named, value: plain(value, refuse) };
    if (f === "cas") return { f, ...named, ...fromTo(value, refuse) };
    return unknownWord(f, ["read", "write", "cas"], refuse);
  },
  output: ({ f }, { value }, refuse) => {
    return f === "read" ? plain(value, refuse) : f === "cas" ? true : undefined;
  },
  failed: ({ f }, fail) => refusal(f === "cas", fail),
};

/** Maps: get, put, append, cas, delete; read and write are understood, too. */
export const kvVocabulary: Vocabulary<KvInput, KvOutput> = {
  input({ f, key, value }, refuse) {
    if (key === undefined) return refuse("an operation on a map needs a key");
    if (f === "get" || f === "read") return { f: "get", key };
    if (f === "delete") return { f, key };
    if (f === "put" || f === "write") return { f: "put", key, value: plain(value, refuse) };
    if (f === "cas") return { f, key, ...fromTo(value, refuse) };
    if (f !== "append") return unknownWord(f, ["get", "put", "append", "cas", "delete"], refuse);
    if (typeof value !== "string") return refuse(`append takes a string, got ${brief(value)}`);
    return { f, key, value };
  },
  output: ({ f }, { value }, refuse) => {
    return f === "get" ? plain(value, refuse) : f === "cas" ? true : undefined;
  },
  failed: ({ f }, fail) => refusal(f === "cas", fail),
};

/** Sets: add, remove, contains, and read of all elements. */
export const setVocabulary: Vocabulary<SetInput, SetOutput> = {
  input({ f, key, value }, refuse) {
    if (key !== undefined) refuse("a set has no keys; use one file for each set");
    if (f === "read") return { f };
    if (f === "add" || f === "remove" || f === "contains") {
      return { f, value: plain(value, refuse) };
    }
    return unknownWord(f, ["add", "remove", "contains", "read"], refuse);
  },
  output({ f }, { value }, refuse) {
    if (f === "read") {
      if (!Array.isArray(value)) return refuse(`read of a set returns a list, got ${brief(value)}`);
      return value.map((each) => plain(each, refuse));
    }
    if (typeof value === "boolean") return value;
    if (f === "contains") return refuse(`contains returns true or false, got ${brief(value)}`);
    return undefined;
  },
};

/** Queues: enqueue, dequeue, peek. */
export const queueVocabulary: Vocabulary<QueueInput, QueueOutput> = {
  input({ f, key, value }, refuse) {
    const named = key === undefined ? {} : { key };
    if (f === "dequeue" || f === "peek") return { f, ...named };
    if (f === "enqueue" && value === null) refuse("nil cannot wait in a queue: it means empty");
    if (f === "enqueue") return { f, ...named, value: plain(value, refuse) };
    return unknownWord(f, ["enqueue", "dequeue", "peek"], refuse);
  },
  output({ f }, { value }, refuse) {
    if (f === "enqueue") return value === false ? false : undefined;
    return value === null ? undefined : plain(value, refuse);
  },
  failed({ f }, { error }) {
    if (error !== undefined && error !== "empty") return undefined;
    return f === "enqueue" ? undefined : { output: undefined };
  },
};

/** Locks: acquire, release, by the process or by the owner that `value` names. */
export const lockVocabulary: Vocabulary<LockInput, LockOutput> = {
  input({ f, key, value, process }, refuse) {
    if (f !== "acquire" && f !== "release") return unknownWord(f, ["acquire", "release"], refuse);
    if (value !== null && typeof value !== "string" && typeof value !== "number") {
      return refuse(`an owner is a string or a number, got ${brief(value)}`);
    }
    return { f, owner: value ?? process, ...(key !== undefined && { key }) };
  },
  output: () => true,
  failed: (_, fail) => refusal(true, fail),
};

function plain(value: Data, refuse: Refuse): Value {
  if (typeof value !== "object" || value === null) return value;
  return refuse(`a value is a string, a number, true, false or null, got ${brief(value)}`);
}

function fromTo(value: Data, refuse: Refuse): { from: Value; to: Value } {
  const [from, to] = Array.isArray(value) && value.length === 2 ? value : [];
  if (from === undefined || to === undefined) refuse(`cas takes [from, to], got ${brief(value)}`);
  return { from: plain(from, refuse), to: plain(to, refuse) };
}

// With an error, it is no answer of the object that failed: it did nothing, and said nothing.
function refusal(answers: boolean, { error }: HistoryEvent): { output: false } | undefined {
  return answers && error === undefined ? { output: false } : undefined;
}

function unknownWord(f: string | undefined, known: readonly string[], refuse: Refuse): never {
  return refuse(`f must be one of ${known.join(", ")}, got ${f ?? "nothing"}`);
}
