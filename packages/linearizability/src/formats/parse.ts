// Three ways of writing the same events down, told apart by how a line begins:
//
//   {"process":0,"type":"invoke","f":"write","value":3}                NDJSON
//   {:process 0, :type :invoke, :f :write, :value 3}                   EDN, as Jepsen and porcupine
//   INFO  jepsen.util - 0   :invoke   :write   3                       a log that Jepsen wrote
//
// In a log, the lines of others are passed over. A file of the other two has one event a line.
import { HistoryError } from "../errors.ts";
import { readEdn } from "./edn.ts";
import { type Data, eventFrom, type HistoryEvent } from "./event.ts";

/** How a history is written. */
export type Format = "ndjson" | "edn" | "jepsen-log";

/** The formats there are. */
export const formats: readonly Format[] = ["ndjson", "edn", "jepsen-log"];

type ReadLine = (text: string, line: number) => HistoryEvent | undefined;

// Old logs: `jepsen.util - 0 :invoke`; newer ones: `jepsen.util: 0 :invoke`.
const logLine = /\bjepsen\.\S*?\s*(?::|-)\s+(\d+\s+:(?:invoke|ok|fail|info)\b.*)$/;

const readers: { readonly [format in Format]: ReadLine } = {
  ndjson(text, line) {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw syntax(`not JSON: ${oneLine((error as Error).message)}`, line);
    }
    return fromObject(value as Data, line);
  },

  edn(text, line) {
    const values = edn(text, line);
    if (values.length !== 1) throw syntax("must be one map", line);
    return fromObject(values[0] as Data, line);
  },

  "jepsen-log"(text, line) {
    const found = logLine.exec(text)?.[1];
    if (found === undefined) return undefined;
    const [process, type, f, value, error] = edn(found, line);
    if (f === undefined || value === undefined) throw syntax("the operation is cut off", line);
    const fields = { process, type, f, ...(error !== undefined && { error }) } as const;
    // A call that did not come back shows the reason where its value would stand.
    const timedOut = value === "timed-out";
    const named = timedOut ? { ...fields, error: value } : { ...fields, value };
    return fromObject(named as { [name: string]: Data }, line);
  },
};

/**
 * The events of a history.
 *
 * @throws HistoryError with the line at fault
 */
export function parseEvents(text: string, format: Format, eventsMax: number): HistoryEvent[] {
  const events: HistoryEvent[] = [];
  let line = 0;
  for (const row of text.split("\n")) {
    line++;
    const trimmed = row.trim();
    if (trimmed === "") continue;
    const event = readers[format](trimmed, line);
    if (event === undefined) continue;
    if (events.length >= eventsMax) {
      throw new HistoryError("HISTORY_TOO_LONG", `more than ${eventsMax} events`, line);
    }
    events.push(event);
  }
  if (events.length === 0)
    throw new HistoryError("HISTORY_EMPTY", `no operation in it (${format})`);
  return events;
}

/** How a history is probably written, from the first line that is not empty. */
export function detectFormat(text: string): Format {
  const first = /^\s*(.*)/.exec(text)?.[1] ?? "";
  if (/^\{\s*(?:"|\})/.test(first)) return "ndjson";
  return /^\{\s*:/.test(first) ? "edn" : "jepsen-log";
}

function edn(text: string, line: number): Data[] {
  try {
    return readEdn(text);
  } catch (error) {
    throw syntax((error as Error).message, line);
  }
}

function fromObject(value: Data, line: number): HistoryEvent | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw syntax("must be an object with process, type, f and value", line);
  }
  // What breaks the network in a Jepsen test is written down beside what the clients do.
  const { process } = value;
  if (process === "nemesis") return undefined;
  return eventFrom(value, line, (message) => {
    throw syntax(message, line);
  });
}

const syntax = (message: string, line: number): HistoryError => {
  return new HistoryError("HISTORY_SYNTAX", message, line);
};

const oneLine = (text: string): string => text.split("\n", 1)[0] as string;
