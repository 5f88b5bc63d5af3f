// `npm run simulate -- --seeds 10000 --jobs 2`: seeds in several threads, a line of progress now
// and then, and for a failure the schedule, cut down, with the command that shows it again.
//
// A seed's run depends on nothing but the seed, so that it does not matter which thread has it, or
// how many there are. Threads take seeds in small batches from one counter.

import { createWriteStream } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { checkSeed, type Scenario, type Verdict } from "../scenario.ts";
import { shrink } from "../shrink.ts";
import { explain } from "./explain.ts";
import { type Progress, runInThreads } from "./threads.ts";

/** What the command needs to know. */
export interface CommandOptions {
  /**
   * The URL of a module that exports `scenarios`, an object of {@link Scenario}s by name: threads
   * import it again.
   */
  readonly module: string | URL;
  /** How people start it, for the line that says how to show a failure again. */
  readonly command: string;
  /** Default: what the process was started with. */
  readonly args?: readonly string[];
  /** Where lines go. Default `console.log`. */
  readonly print?: (line: string) => void;
}

const USAGE = `options:
  --seeds N       how many seeds (default 1000)
  --seed S        the first of them (default 0); alone, only that one
  --jobs N        threads (default: as many as there are processors)
  --scenario NAME one of the scenarios (default: all of them)
  --only 0,3      of the faults that a seed draws, only these
  --calm          no loss, duplicates or stragglers but by faults
  --twice         run each seed twice and compare: finds code that asks the real world
  --trace FILE    with --seed: write every event as NDJSON`;

const OPTIONS = {
  seeds: { type: "string" },
  seed: { type: "string" },
  jobs: { type: "string" },
  scenario: { type: "string" },
  only: { type: "string" },
  calm: { type: "boolean", default: false },
  twice: { type: "boolean", default: false },
  trace: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

/** Runs the command; resolves to its exit code: 0, 1 where a seed failed, 2 for misuse. */
export async function runCommand({
  module,
  command,
  args = process.argv.slice(2),
  print = console.log,
}: CommandOptions): Promise<number> {
  const { scenarios } = (await import(String(module))) as { scenarios: Record<string, Scenario> };
  let settings: Settings;
  try {
    settings = settingsOf(args, Object.keys(scenarios));
  } catch (error) {
    print(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    return 2;
  }
  if (settings.help) {
    print(USAGE);
    return 0;
  }
  for (const name of settings.names) {
    const scenario = scenarios[name] as Scenario;
    const again = `${command}${settings.names.length > 1 || settings.named ? ` --scenario ${name}` : ""}`;
    const context = { scenario, name, again, print, settings };
    const failure =
      settings.single === undefined
        ? await runMany(context, String(module))
        : await runOne(context, settings.single);
    if (failure) return 1;
  }
  return 0;
}

interface Settings {
  readonly names: readonly string[];
  readonly named: boolean;
  readonly seeds: number;
  readonly first: number;
  readonly single: number | undefined;
  readonly jobs: number;
  readonly only: readonly number[] | undefined;
  readonly calm: boolean;
  readonly twice: boolean;
  readonly trace: string | undefined;
  readonly help: boolean;
}

interface Context {
  readonly scenario: Scenario;
  readonly name: string;
  readonly again: string;
  readonly print: (line: string) => void;
  readonly settings: Settings;
}

function settingsOf(args: readonly string[], names: readonly string[]): Settings {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const { scenario, calm, twice, trace, help } = values;
  if (scenario !== undefined && !names.includes(scenario)) {
    throw new RangeError(`--scenario must be one of ${names.join(", ")}, got ${scenario}`);
  }
  const first = whole("--seed", values.seed ?? "0", 0);
  const alone = values.seed !== undefined && (values.seeds ?? "1") === "1";
  return {
    names: scenario === undefined ? names : [scenario],
    named: scenario !== undefined,
    seeds: whole("--seeds", values.seeds ?? "1000", 1),
    first,
    single: alone ? first : undefined,
    jobs: whole("--jobs", values.jobs ?? String(availableParallelism()), 1),
    only: values.only === undefined ? undefined : numbersOf(values.only),
    calm,
    twice,
    trace,
    help,
  };
}

function numbersOf(list: string): number[] {
  if (list === "" || list === "none") return [];
  return list.split(",").map((text) => whole("--only", text, 0));
}

function whole(name: string, text: string, lowest: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= lowest) return value;
  throw new RangeError(`${name} must be a whole number from ${lowest}, got ${text}`);
}

async function runMany(context: Context, module: string): Promise<boolean> {
  const { name, print, settings } = context;
  const { seeds, first, jobs, calm, twice } = settings;
  const startedAt = performance.now();
  const report = (progress: Progress): void => print(line(name, progress, startedAt));
  const work = { module, scenario: name, calm, twice };
  const { progress, failedSeed } = await runInThreads(work, { first, seeds, jobs }, report);
  if (failedSeed === undefined) {
    report(progress);
    return false;
  }
  print(`${name}: seed ${failedSeed} failed; making its schedule shorter`);
  await showFailure(context, failedSeed);
  return true;
}

function line(name: string, { seeds, events }: Progress, startedAt: number): string {
  const seconds = (performance.now() - startedAt) / 1_000;
  const count = (value: number): string => Math.round(value).toLocaleString("en-US");
  const rate = count(events / Math.max(seconds, 0.001));
  return `${name}: ${count(seeds)} seeds hold, ${count(events)} events, ${seconds.toFixed(1)} s, ${rate} events/s`;
}

async function showFailure({ scenario, again, print, settings }: Context, seed: number) {
  const original = await checkSeed(scenario, seed, settings.calm ? { calm: true } : {});
  if (original.failure === undefined) {
    print(`seed ${seed} failed once and does not again: something asks the real world`);
    return;
  }
  const plain = settings.calm ? undefined : await shrink(scenario, seed);
  print(explain(original, plain, again));
}

async function runOne(context: Context, seed: number): Promise<boolean> {
  const { scenario, name, print, again, settings } = context;
  const { only, calm, twice, trace } = settings;
  const file = trace === undefined ? undefined : createWriteStream(trace);
  const verdict: Verdict = await checkSeed(scenario, seed, {
    calm,
    twice,
    ...(only && { only }),
    ...(file && { onTrace: (event) => file.write(`${JSON.stringify(event)}\n`) }),
  });
  if (file !== undefined) await new Promise<void>((resolve) => file.end(resolve));
  const { events, hash, failure } = verdict;
  print(`${name}: seed ${seed}, ${events.toLocaleString("en-US")} events, trace hash ${hash}`);
  if (failure === undefined) {
    print("it holds");
    return false;
  }
  const whole = only === undefined && !calm && !twice;
  print(explain(verdict, whole ? await shrink(scenario, seed) : undefined, again));
  return true;
}
