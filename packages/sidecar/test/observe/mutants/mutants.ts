// Planted bugs: what logs, counts and trace contexts are known to get wrong.
import type { Mutant } from "@compendium/house/planted";

const inFile =
  (file: string) =>
  (name: string, search: string, replacement: string): Mutant => {
    return { name, file: `observe/${file}`, search, replacement };
  };

const writer = inFile("log-writer.ts");
const meter = inFile("meter.ts");
const readings = inFile("readings.ts");
const registry = inFile("text-registry.ts");
const trace = inFile("trace-context.ts");

export const mutants: readonly Mutant[] = [
  writer(
    "a log has no bound",
    "if (this.#waitingLength + line.length > this.#options.waitingMax) {",
    "if (false) {",
  ),
  writer("what was written still counts as waiting", "this.#waitingLength = 0;\n    try", "try"),
  writer(
    "two writes at a time",
    "if (this.#writing === undefined) this.#schedule();",
    "if (this.#waitingLength >= this.#options.batch) void this.#writeAll();",
  ),
  writer(
    "a batch waits for the timer",
    "if (this.#waitingLength >= batch) void",
    "if (false) void",
  ),
  writer("every line goes by itself", "if (this.#waitingLength >= batch) void", "if (true) void"),
  writer(
    "a failed write ends the log",
    "this.numbers.dropped += lines.length;\n      this.#failed(error as Error);",
    "throw error;",
  ),
  writer("a failure is told each time", "if (!this.#isFailing) this.#options", "this.#options"),
  writer("a failure is told once for ever", "this.#isFailing = false;\n    } catch", "} catch"),
  writer(
    "a broken file is kept",
    "this.#failed(error as Error);\n      await this.#close();",
    "this.#failed(error as Error);",
  ),
  writer("reopening changes nothing", "if (this.#isStale) await this.#close();", ""),
  writer(
    "a line that comes late waits for ever",
    "if (this.#waiting.length > 0) this.#schedule();",
    "",
  ),
  meter(
    "a status of 200 is of the first class",
    "Math.floor(status / 100) - 1",
    "status / 100 - 2",
  ),
  meter(
    "what never left counts for the cluster",
    "if (upstreamCluster === undefined || info.upstreamAttempts === 0) return;",
    "if (upstreamCluster === undefined) return;",
  ),
  meter("durations are milliseconds", "(info.durationMs ?? 0) / 1_000", "info.durationMs ?? 0"),
  meter("flags are forgotten", "for (const flag of info.flags) this.#flags[flag]++;", ""),
  readings(
    "the last process counts alone",
    "known === undefined ? reading.value",
    "true ? reading.value",
  ),
  readings("sums mix labels up", "JSON.stringify(Object.entries(reading.labels).sort())", '""'),
  registry("a quote ends a label", ".replaceAll('\"', '\\\\\"')", ""),
  registry("processes take turns", "combineNumbers(rule, before, value)", "value"),
  trace(
    "a trace of nought",
    "if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;",
    "",
  ),
  trace("version ff", 'version === "ff" || ', ""),
  trace("version 00 says more", '(version === "00" && more !== undefined)', "false"),
  trace("the first of two", "if (parents.length !== 1) return undefined;", ""),
  trace("all flags say sampled", "(Number.parseInt(flags, 16) & 1) === 1", 'flags !== "00"'),
  trace("a key twice", "key === undefined || keys.has(key)", "key === undefined"),
  trace("a list without an end", "members.length > MEMBERS_MAX", "false"),
  trace(
    "an old list stays",
    'if (state === "") fields.remove("tracestate");',
    'if (state === "") {}',
  ),
];
