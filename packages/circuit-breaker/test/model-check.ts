// Random interleavings of everything that can happen to a breaker, on the real machine and on the
// model, compared after each step. Plain loops and a seeded generator: a million interleavings take
// less than a minute, and the seed of one that diverges replays it.
import type {
  CallCounts,
  CircuitBreakerOptions,
  SavedWindow,
  State,
} from "@compendium/circuit-breaker";
import { SeededRandom } from "@compendium/runtime";
import type { createWindow, resolveSettings } from "../src/options.ts";
import type { CallPermit } from "../src/permit.ts";
import type { restoreSnapshot, takeSnapshot } from "../src/snapshot.ts";
import type { StateMachine } from "../src/state-machine.ts";
import { Model, type ModelCall, type ModelOptions } from "./model.ts";

/** The parts of the package under test: its own, or a mutant's. */
export interface Subject {
  readonly StateMachine: typeof StateMachine;
  readonly createWindow: typeof createWindow;
  readonly resolveSettings: typeof resolveSettings;
  readonly takeSnapshot: typeof takeSnapshot;
  readonly restoreSnapshot: typeof restoreSnapshot;
}

interface Pair {
  readonly model: ModelCall;
  /** Absent for a call without a permit. */
  readonly permit: CallPermit | undefined;
}

const STEPS = 60;
const HOUR_MS = 3_600_000;
const FORCED: readonly State[] = ["forced-open", "forced-closed", "disabled", "closed"];

/** Runs the interleaving of a seed. Throws an Error that names it at the first difference. */
export function checkSeed(subject: Subject, seed: number): void {
  const random = new SeededRandom(seed);
  const [options, isSlowGiven] = drawOptions(random);
  const run = new Run(subject, options, isSlowGiven, random);
  for (let step = 0; step < STEPS; step++) {
    const told = run.step();
    const difference = told ?? run.compare();
    if (difference === undefined) continue;
    throw new Error(
      `seed ${seed}, step ${step} (${run.trace.at(-1)}): ${difference}\n` +
        `${JSON.stringify(options)}\n${run.trace.join("\n")}`,
    );
  }
}

function drawOptions(random: SeededRandom): [ModelOptions, isSlowGiven: boolean] {
  const from = (...values: number[]) => values[random.below(values.length)] as number;
  const window: ModelOptions["window"] =
    random.below(2) === 0
      ? { kind: "count", calls: from(1, 2, 3, 5, 20) }
      : { kind: "time", durationMs: from(4, 12, 60), buckets: from(2, 3, 4) };
  const timing = random.below(3);
  const openForMs = from(1, 5, 40);
  const options: ModelOptions = {
    window,
    minimumCalls: Math.min(from(1, 2, 4), window.kind === "count" ? window.calls : 4),
    failureRateThreshold: from(0.2, 0.5, 0.55, 1),
    slowAfterMs: timing === 1 ? from(2, 10) : undefined,
    slowRateThreshold: timing === 0 ? 1 : from(0.3, 0.5, 1),
    consecutiveFailures: from(1, 2, 3, Infinity),
    openForMs,
    openGrowth: from(1, 1.5, 2),
    openForMsMax: openForMs * from(1, 4),
    openJitter: from(0, 0.5, 1),
    halfOpenCalls: from(1, 2, 3, 5),
    halfOpenForMs: from(1, 8, 50),
    inFlightMax: from(1, 3, Infinity),
  };
  return [options, timing === 2];
}

class Run {
  readonly trace: string[] = [];
  readonly #random: SeededRandom;
  readonly #subject: Subject;
  readonly #model: Model;
  readonly #real: StateMachine;
  readonly #pairs: Pair[] = [];
  readonly #slowGiven: boolean;
  // How far the wall clock stands from the monotonic one.
  #wallMs = 0;

  constructor(subject: Subject, options: ModelOptions, slowGiven: boolean, random: SeededRandom) {
    const { window, slowAfterMs, slowRateThreshold, ...rest } = options;
    const given: CircuitBreakerOptions = { ...rest, window };
    if (slowAfterMs !== undefined) Object.assign(given, { slowAfterMs, slowRateThreshold });
    if (slowGiven) Object.assign(given, { isSlow: () => false, slowRateThreshold });
    const jitterSeed = random.word32();
    // The wall clock is there to be ignored: whoever looks at it sees an hour come and go.
    const clock = { now: () => this.#model.now, wallMs: () => this.#model.now + this.#wallMs };
    this.#random = random;
    this.#subject = subject;
    this.#slowGiven = slowGiven;
    const settings = subject.resolveSettings(given);
    const realRandom = new SeededRandom(jitterSeed);
    this.#real = new subject.StateMachine(
      "b",
      settings,
      subject.createWindow(window),
      clock,
      realRandom,
    );
    const counts = Object.fromEntries(Object.keys(this.#real.counts).map((key) => [key, 0]));
    const modelRandom = new SeededRandom(jitterSeed);
    this.#model = new Model(options, modelRandom, counts as unknown as CallCounts);
  }

  /** Does one thing to both; says how their answers differ, if they do. */
  step(): string | undefined {
    const dice = this.#random.below(20);
    if (dice < 7) return this.#start();
    if (dice < 14 && this.#pairs.length > 0) return this.#end();
    if (dice < 18) return this.#wait();
    if (dice < 19) return this.#random.below(2) > 0 ? this.#renew() : this.#stepClock();
    if (this.#random.below(2) > 0) return this.#wait();
    const state = FORCED[this.#random.below(FORCED.length)] as State;
    this.trace.push(`force ${state}`);
    this.#real.force(state);
    this.#model.enter(state);
    return undefined;
  }

  #start(): string | undefined {
    this.trace.push("start");
    const expected = this.#model.start();
    const untimed = !this.#real.settings.timed && this.#random.below(2) === 0;
    const real = untimed ? this.#real.admit() : this.#real.acquire();
    const refused = real !== undefined && !real.admitted;
    if (Array.isArray(expected) !== refused) return `refused: ${refused}`;
    if (refused) {
      const [code, retryAfterMs] = expected as readonly [string, number | undefined];
      if (real.code === code && real.retryAfterMs === retryAfterMs) return undefined;
      return `${real.code} ${real.retryAfterMs}, not ${code} ${retryAfterMs}`;
    }
    this.#pairs.push({ model: expected as ModelCall, permit: real as CallPermit | undefined });
    return undefined;
  }

  #end(): undefined {
    const at = this.#random.below(this.#pairs.length);
    const { model, permit } = this.#pairs[at] as Pair;
    const outcome = (["success", "success", "failure", "failure", "ignored", "cancelled"] as const)[
      this.#random.below(6)
    ] as "success";
    const slow = this.#slowGiven && this.#random.below(3) === 0;
    this.trace.push(`call ${at}: ${outcome}${slow ? ", slow" : ""}`);
    if (permit === undefined) {
      this.#pairs.splice(at, 1);
      const settled = (outcome as string) === "cancelled" ? "ignored" : outcome;
      this.#model.settle(model, settled, false);
      if ((settled as string) === "ignored") this.#real.endIgnored(model.generation);
      else this.#real.endUntimed(model.generation, (settled as string) === "failure");
      return;
    }
    // An aborted call is judged before its work is over. A settled one stays, to be settled twice.
    if (this.#random.below(4) === 0) {
      this.#model.judge(model, outcome, slow);
      this.#real.judge(permit, outcome, slow);
    } else {
      if (this.#random.below(4) > 0) this.#pairs.splice(at, 1);
      this.#model.settle(model, outcome, slow);
      this.#real.settle(permit, outcome, slow);
    }
  }

  #wait(): undefined {
    const ms = [0, 1, 2, 4, 11, 50][this.#random.below(6)] as number;
    this.trace.push(`wait ${ms}`);
    this.#model.now += ms;
  }

  // The wall clock is set, forwards or back; or the machine slept, which all clocks notice.
  #stepClock(): undefined {
    const stepMs = [HOUR_MS, -HOUR_MS][this.#random.below(2)] as number;
    const slept = this.#random.below(3) === 0;
    this.trace.push(slept ? "sleep an hour" : `step the wall clock by ${stepMs}`);
    if (slept) this.#model.now += HOUR_MS;
    else this.#wallMs += stepMs;
  }

  #renew(): undefined {
    this.trace.push("snapshot and restore");
    const { takeSnapshot, restoreSnapshot } = this.#subject;
    restoreSnapshot(this.#real, takeSnapshot(this.#real), 0);
    this.#model.renew();
  }

  /** Names the first thing in which the two differ. */
  compare(): string | undefined {
    const real = this.#real;
    const model = this.#model;
    // Read as a snapshot reads it: to let the window expire here would hide where that is missed.
    const [calls, failures, slow] = sumsOf(real.window.save(model.now));
    const window = model.inWindow();
    const probes = model.state === "half-open" ? model.started : [];
    const judged = probes.filter((call) => call.recordedAtMs !== undefined);
    const differ = (name: string, actual: unknown, expected: unknown) =>
      actual === expected ? undefined : `${name} is ${actual}, not ${expected}`;
    let found =
      differ("state", real.state, model.state) ??
      differ("generation", real.generation, model.generation) ??
      differ("inFlight", real.inFlight, model.inFlight) ??
      differ("failuresInARow", real.failuresInARow, model.failuresInARow) ??
      differ("trips", real.trips, model.trips) ??
      differ("calls", calls, window.length) ??
      differ("failures", failures, count(window, "failed")) ??
      differ("slow", slow, count(window, "slow")) ??
      differ("probes", real.probes?.admitted ?? 0, model.probesAdmitted) ??
      differ("probes judged", real.probes?.judged ?? 0, judged.length) ??
      differ("probes failed", real.probes?.failed ?? 0, count(judged, "failed"));
    if (found === undefined && model.state === "open") {
      found = differ("openUntil", real.openUntil, model.openUntil);
    }
    for (const key in model.counts) {
      const name = key as keyof CallCounts;
      found ??= differ(name, real.counts[name], model.counts[name]);
    }
    return found;
  }
}

function sumsOf(saved: SavedWindow): [calls: number, failures: number, slow: number] {
  if (saved.kind === "count") {
    const digits = [...saved.outcomes].map(Number);
    const having = (bit: number) => digits.filter((digit) => (digit & bit) !== 0).length;
    return [digits.length, having(1), having(2)];
  }
  const column = (at: 0 | 1 | 2) => saved.buckets.reduce((sum, row) => sum + row[at], 0);
  return [column(0), column(1), column(2)];
}

function count(calls: readonly ModelCall[], what: "failed" | "slow"): number {
  let found = 0;
  for (const call of calls) if (call[what]) found++;
  return found;
}
