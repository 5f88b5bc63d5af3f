// From the text of a file to a history and the model to hold it against.
import type { Data, HistoryEvent } from "./formats/event.ts";
import { operationsOf, type Vocabulary } from "./formats/pair.ts";
import { detectFormat, type Format, parseEvents } from "./formats/parse.ts";
import { atLeast } from "./limits.ts";
import type { Model } from "./model.ts";
import { kvModel } from "./models/kv.ts";
import { lockModel } from "./models/lock.ts";
import { queueModel } from "./models/queue.ts";
import { registerModel } from "./models/register.ts";
import { setModel } from "./models/set.ts";
import type { Value } from "./models/values.ts";
import type { History } from "./operation.ts";
import {
  kvVocabulary,
  lockVocabulary,
  queueVocabulary,
  registerVocabulary,
  setVocabulary,
} from "./vocabulary.ts";

/** The models that a file can be held against. */
export type ModelName = "register" | "kv" | "set" | "queue" | "lock";

/** Their names. */
export const modelNames: readonly ModelName[] = ["register", "kv", "set", "queue", "lock"];

const EVENTS_MAX = 4_000_000;

/** How to read a text. */
export interface ReadHistoryOptions {
  /** Default: told by the operations' names. */
  readonly model?: ModelName | undefined;
  /** Default: told by the first line. */
  readonly format?: Format | undefined;
  /**
   * What a register holds before the first write, and what an absent key reads as. Default: `null`;
   * for maps in EDN the empty string, as porcupine writes them.
   */
  readonly initial?: Value | undefined;
  /** Whether values are `[key, value]`, as those of `jepsen.independent` are. */
  readonly independent?: boolean | undefined;
  /** Calls and completions taken; default 4 million. A longer text is refused. */
  readonly eventsMax?: number | undefined;
}

/** A history from outside, with its model. Its times are line numbers. */
export interface ReadHistory {
  /** Which model it is. */
  readonly name: ModelName;
  /** The model itself. */
  readonly model: Model<unknown, unknown, unknown>;
  /** The operations, in the order of their calls. */
  readonly history: History;
}

/**
 * Reads NDJSON, EDN or a log that Jepsen wrote.
 *
 * @throws HistoryError with the line at fault
 * @throws RangeError for a limit out of its range
 */
export function readHistory(text: string, options: ReadHistoryOptions = {}): ReadHistory {
  const format = options.format ?? detectFormat(text);
  const { eventsMax = EVENTS_MAX } = options;
  atLeast("eventsMax", eventsMax, 1);
  const parsed = parseEvents(text, format, eventsMax);
  const events = options.independent ? parsed.map(withKey) : parsed;
  const name = options.model ?? guessModel(events);
  const usual = name === "kv" && format === "edn" ? "" : null;
  const initial = options.initial === undefined ? usual : options.initial;
  const read = <State, Input, Output>(
    model: Model<State, Input, Output>,
    vocabulary: Vocabulary<Input, Output>,
  ): ReadHistory => {
    const history = operationsOf(events, vocabulary);
    // The history was made for this very model: who holds both may forget the types.
    return { name, model: model as Model<unknown, unknown, unknown>, history };
  };
  switch (name) {
    case "register":
      return read(registerModel({ initial }), registerVocabulary);
    case "kv":
      return read(kvModel({ absent: initial }), kvVocabulary);
    case "set":
      return read(setModel(), setVocabulary);
    case "queue":
      return read(queueModel(), queueVocabulary);
    case "lock":
      return read(lockModel(), lockVocabulary);
  }
}

function guessModel(events: readonly HistoryEvent[]): ModelName {
  const words = new Set(events.map(({ f }) => f));
  const has = (...any: string[]): boolean => any.some((word) => words.has(word));
  if (has("acquire", "release")) return "lock";
  if (has("enqueue", "dequeue")) return "queue";
  if (has("get", "put", "append", "delete")) return "kv";
  if (has("add", "remove", "contains")) return "set";
  return "register";
}

function withKey(event: HistoryEvent): HistoryEvent {
  if (!Array.isArray(event.value) || event.value.length !== 2) return event;
  const [key, value] = event.value as [Data, Data];
  return { ...event, key: typeof key === "string" ? key : JSON.stringify(key), value };
}
