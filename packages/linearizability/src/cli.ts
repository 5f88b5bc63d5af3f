// The command line, as a function: arguments in, lines and an exit code out, so that a test needs
// no process for it. bin.ts gives it a real one.
//
// Exit codes: 0 linearizable, 1 not, 2 for a wrong argument or a history that cannot be read (one
// line on stderr that says where), 3 where the limits did not suffice for a verdict.
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type CheckResult, check } from "./check.ts";
import { type Counterexample, counterexample } from "./counterexample.ts";
import { HistoryError } from "./errors.ts";
import { formats } from "./formats/parse.ts";
import { renderTimeline } from "./html.ts";
import type { Value } from "./models/values.ts";
import type { Operation } from "./operation.ts";
import {
  modelNames,
  type ReadHistory,
  type ReadHistoryOptions,
  readHistory,
} from "./read-history.ts";
import { labelOf } from "./timeline.ts";

/** What {@link runCli} needs of a process. */
export interface CliSurroundings {
  /** Takes one line for stdout. */
  out: (line: string) => void;
  /** Takes one line for stderr. */
  err: (line: string) => void;
  /** All of stdin, where no file is named. */
  stdin: () => Promise<string>;
}

const HELP = `compendium-linearizability: could this history have come from one copy, one operation at a time?

  compendium-linearizability [options] [FILE]     FILE or stdin: NDJSON, EDN, or a log of Jepsen's

  --model NAME       ${modelNames.join(", ")} (default: told by the operations)
  --format NAME      ${formats.join(", ")} (default: told by the first line)
  --initial JSON     what is there before the first write (default: null; "" for maps in EDN)
  --independent      values are [key, value]
  --budget STEPS     when to give up (default 50000000)
  --memory MIB       when to give up (default 256)
  --html FILE        writes a timeline
  --help             this text

Exit codes: 0 linearizable, 1 not linearizable, 2 wrong usage or input, 3 not known within the limits.`;

interface Plan {
  readonly file: string | undefined;
  readonly reading: ReadHistoryOptions;
  readonly stepsMax: number | undefined;
  readonly memoryBytesMax: number | undefined;
  readonly html: string | undefined;
}

const exitCodes = { ok: 0, illegal: 1, unknown: 3 } as const;

/** Checks one history and returns the exit code. */
export async function runCli(args: readonly string[], around: CliSurroundings): Promise<number> {
  try {
    const plan = readPlan(args);
    if (plan === undefined) {
      around.out(HELP);
      return 0;
    }
    return await run(plan, around);
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    const known = error instanceof HistoryError || error instanceof TypeError;
    if (!known && !(error instanceof RangeError) && code === undefined) throw error;
    const hint = code?.startsWith("ERR_PARSE_ARGS") ? "; --help lists the options" : "";
    around.err(`compendium-linearizability: ${message.split(/\. To specify|\.?\n/, 1)[0]}${hint}`);
    return 2;
  }
}

async function run(plan: Plan, { out, stdin }: CliSurroundings): Promise<number> {
  const { file, html } = plan;
  const text = file === undefined ? await stdin() : await readFile(file, "utf8");
  const read = within(file, () => readHistory(text, plan.reading));
  const { history, model } = read;
  const result = check(history, model, plan);
  const proof = result.verdict === "illegal" ? counterexample(history, model, plan) : undefined;
  for (const line of report(read, result, proof)) out(line);
  if (html !== undefined) {
    const title = `${file ?? "stdin"} as ${model.name}`;
    await writeFile(html, renderTimeline(history, model, result, { title, counterexample: proof }));
    out(`timeline: ${html}`);
  }
  return exitCodes[result.verdict];
}

// A fault in a file is found by the file's name and the line.
function within(file: string | undefined, read: () => ReadHistory): ReadHistory {
  try {
    return read();
  } catch (error) {
    if (error instanceof HistoryError) error.message = `${file ?? "stdin"}: ${error.message}`;
    throw error;
  }
}

function* report(
  { history, model }: ReadHistory,
  { verdict, parts, configurations, steps }: CheckResult,
  proof: Counterexample<unknown, unknown> | undefined,
): Generator<string> {
  const size = `${count(history.length, "operation")} on ${count(parts.length, model.name)}`;
  yield `${verdict}: ${size}, ${count(configurations, "configuration")}, ${count(steps, "step")}`;
  for (const part of parts.filter(({ exhausted }) => exhausted !== undefined)) {
    const name = part.key ? ` of ${part.key}` : "";
    const reached = part.orders[0]?.length ?? 0;
    yield `undecided${name}: out of ${part.exhausted}; the longest order found has ${reached} of ${count(part.places.length, "operation")}`;
  }
  if (proof === undefined) return;
  const kind = proof.minimal ? "minimal counterexample" : "counterexample";
  yield `${kind}, ${count(proof.operations.length, "operation")}:`;
  for (const operation of proof.operations) {
    const { process, call, return: returned } = operation as Operation;
    const label = labelOf(model, operation);
    yield `  lines ${call} to ${returned}, process ${process}: ${label}`;
  }
}

const count = (n: number, noun: string): string => {
  return `${n.toLocaleString("en-US")} ${noun}${n === 1 ? "" : "s"}`;
};

// Undefined asks for help.
function readPlan(args: readonly string[]): Plan | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      model: { type: "string" },
      format: { type: "string" },
      initial: { type: "string" },
      independent: { type: "boolean" },
      budget: { type: "string" },
      memory: { type: "string" },
      html: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return undefined;
  const [file, surplus] = positionals;
  if (surplus !== undefined) throw new TypeError(`one FILE at a time, got "${surplus}" as well`);
  const memory = readInteger("--memory", values.memory);
  return {
    file: file === "-" ? undefined : file,
    html: values.html,
    stepsMax: readInteger("--budget", values.budget),
    memoryBytesMax: memory === undefined ? undefined : memory * 1024 * 1024,
    reading: {
      model: readChoice("--model", modelNames, values.model),
      format: readChoice("--format", formats, values.format),
      initial: readInitial(values.initial),
      independent: values.independent,
    },
  };
}

function readChoice<Choice extends string>(
  flag: string,
  choices: readonly Choice[],
  text: string | undefined,
): Choice | undefined {
  const choice = choices.find((each) => each === text);
  if (choice !== undefined || text === undefined) return choice;
  throw new TypeError(`${flag} must be one of ${choices.join(", ")}, got "${text}"`);
}

function readInteger(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text) && Number(text) > 0) return Number(text);
  throw new TypeError(`${flag} must be a whole number of at least 1, got "${text}"`);
}

function readInitial(text: string | undefined): Value | undefined {
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new TypeError(`--initial must be JSON, such as '""' or 0, got "${text}"`);
  }
  if (typeof value !== "object" || value === null) return value as Value;
  throw new TypeError(`--initial must be a string, a number, true, false or null, got "${text}"`);
}
