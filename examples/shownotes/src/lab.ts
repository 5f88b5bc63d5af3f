// Everything that can be done to the running demo, whoever asks: a key, the page, or curl. The lab
// owns the stack that is live, the light load on it, and the order in which things happen. What
// pattern and fault are set to, it does not remember but asks: a service that died and came back
// has forgotten, and the lab must not believe otherwise.
import { stripVTControlCharacters } from "node:util";
import { type Experiment, type ExperimentOutcome, sideExperiments } from "./experiments.ts";
import { planArrivals, sendLoad } from "./load.ts";
import { Recent } from "./recent.ts";
import { formatComparison } from "./report.ts";
import type { Scenario } from "./scenario.ts";
import type { EdgeState, Stack, StackSource } from "./stack.ts";
import { type Comparison, runX1 } from "./x1.ts";

// Enough for a fault without protection to fill the edge within seconds, little enough to ignore.
const LIVE_LOAD = { ratePerSecond: 100, previewShare: 0.5, durationMs: 10_000 };
const RECENT_MS = 5_000;

/** What the page and `GET /lab` show. */
export interface LabState {
  busy: boolean;
  /** Whether breaker and bulkhead are on; null while no edge answers. */
  pattern: boolean | null;
  /** Whether the preview service is slow; null while it does not answer. */
  fault: boolean | null;
  /** The live load's other requests, over five seconds that ended one ago; null without any. */
  recent: { withinShare: number; p99Ms: number } | null;
  breaker: EdgeState["breaker"] | null;
  inFlight: number;
  queued: number;
  /** What the edge's token buckets have decided; null while no edge answers. */
  workspaceLimit: { on: boolean; allowed: number; refused: number } | null;
  /** What the experiment under way has said last; null where none is. */
  progress: string | null;
  /** The last comparison, as the terminal shows it. */
  report: string | null;
  /** What can be run. */
  experiments: Pick<Experiment, "id" | "key" | "title">[];
}

/** An action that cannot be taken now. */
export class BusyError extends Error {}

export class Lab {
  readonly #source: StackSource;
  readonly #scenario: Scenario;
  readonly #say: (line: string) => void;
  readonly #sides: readonly Experiment[];
  readonly #stopped = new AbortController();
  readonly #recent: Recent;

  #stack: Stack | undefined;
  #loading: AbortController | undefined;
  // The action under way. One at a time: two experiments at once would measure each other.
  #action: Promise<unknown> | undefined;
  #progress: string | null = null;
  #report: string | null = null;

  constructor(
    source: StackSource,
    scenario: Scenario,
    say: (line: string) => void,
    sides: readonly Experiment[] = sideExperiments(),
  ) {
    this.#source = source;
    this.#scenario = scenario;
    this.#say = say;
    this.#sides = sides;
    this.#recent = new Recent({ spanMs: RECENT_MS, withinMs: scenario.withinMs });
  }

  /** Where the live edge is, while there is one. */
  get edgeUrl(): URL | undefined {
    return this.#stack?.edgeUrl;
  }

  /** What can be run, X1 first. */
  get experiments(): Pick<Experiment, "id" | "key" | "title">[] {
    const sides = this.#sides.map(({ id, key, title }) => ({ id, key, title }));
    return [{ id: "x1", key: "1", title: this.#scenario.title }, ...sides];
  }

  /**
   * Runs an experiment by its id. X1 leaves its protected processes live; the others have processes
   * of their own, and the live ones rest meanwhile. Rejects with a RangeError for an unknown id.
   */
  async run(id: string): Promise<ExperimentOutcome> {
    if (id === "x1") {
      const comparison = await this.runExperiment();
      return {
        report: this.#report ?? "",
        objections: comparison.objections,
        result: comparison,
      };
    }
    const side = this.#sides.find((experiment) => experiment.id === id);
    if (side !== undefined) return this.#alone(() => this.#runSide(side));
    const known = this.experiments.map((experiment) => experiment.id).join(", ");
    throw new RangeError(`id must be one of ${known}, got ${JSON.stringify(id)}`);
  }

  /**
   * Runs X1 on fresh processes; the protected ones are live afterwards. Where it must be given up,
   * because a process died, it rejects, and other fresh ones are live.
   */
  runExperiment(): Promise<Comparison> {
    return this.#alone(async () => {
      await this.#retire();
      const { comparison, stack } = await this.#runX1();
      this.#adopt(stack);
      this.#publish(formatComparison(comparison, this.#scenario));
      return comparison;
    });
  }

  /** Switches breaker and bulkhead; without an argument, to the other side. */
  setPattern(on?: boolean): Promise<void> {
    return this.#alone(async () => {
      const stack = this.#live();
      const to = on ?? !(await stack.edge()).protection;
      await stack.protect(to);
      this.#say(`breaker and bulkhead are ${to ? "on" : "off"}`);
    });
  }

  /** Switches the preview service's fault; without an argument, to the other side. */
  setFault(on?: boolean): Promise<void> {
    return this.#alone(async () => {
      const stack = this.#live();
      const to = on ?? !(await stack.preview()).fault;
      await stack.breakPreview(to);
      const seconds = this.#scenario.preview.faultDelayMs / 1_000;
      this.#say(to ? `a preview takes ${seconds} s from now on` : "previews are quick again");
    });
  }

  /** Fresh processes, pattern on, fault off. */
  reset(): Promise<void> {
    return this.#alone(async () => {
      await this.#retire();
      this.#adopt(await this.#source.fresh(true));
      this.#say("fresh processes: the pattern is on, nothing is broken");
    });
  }

  /** Where everything stands, asked of the services themselves. */
  async state(): Promise<LabState> {
    const [edge, preview] = await Promise.all([
      this.#stack?.edge().catch(() => undefined),
      this.#stack?.preview().catch(() => undefined),
    ]);
    return {
      busy: this.#action !== undefined,
      pattern: edge?.protection ?? null,
      fault: preview?.fault ?? null,
      recent: this.#recent.read(performance.now()),
      breaker: edge?.breaker ?? null,
      inFlight: edge?.inFlight ?? 0,
      queued: edge?.queued ?? 0,
      workspaceLimit: edge ? limitOf(edge) : null,
      progress: this.#progress,
      report: this.#report,
      experiments: this.experiments,
    };
  }

  /** Gives up what is under way, and ends the load and every process that belongs to the lab. */
  async stop(): Promise<void> {
    this.#stopped.abort(new Error("the demo was stopped"));
    await this.#action?.catch(() => {});
    await this.#retire();
  }

  async #alone<T>(act: () => Promise<T>): Promise<T> {
    this.#stopped.signal.throwIfAborted();
    if (this.#action !== undefined) {
      throw new BusyError("busy: an experiment or another action is under way");
    }
    const action = act();
    this.#action = action;
    try {
      return await action;
    } finally {
      this.#action = undefined;
    }
  }

  #live(): Stack {
    if (this.#stack !== undefined) return this.#stack;
    throw new BusyError("no services are running: reset starts fresh ones");
  }

  async #runX1(): Promise<{ comparison: Comparison; stack: Stack }> {
    const { signal } = this.#stopped;
    try {
      return await runX1(this.#source, this.#scenario, this.#say, signal);
    } catch (error) {
      signal.throwIfAborted();
      const reason = (error as Error).message;
      const next = await this.#source.fresh(true).then(
        (stack) => {
          this.#adopt(stack);
          return "fresh processes are live";
        },
        () => "reset starts fresh processes",
      );
      const message = `${this.#scenario.id} was given up: ${reason}; ${next}`;
      throw new Error(message, { cause: error });
    }
  }

  async #runSide(experiment: Experiment): Promise<ExperimentOutcome> {
    const { signal } = this.#stopped;
    this.#pause();
    try {
      const outcome = await experiment.run((line) => {
        this.#progress = stripVTControlCharacters(line).trim();
        this.#say(line);
      }, signal);
      this.#publish(outcome.report);
      return outcome;
    } catch (error) {
      signal.throwIfAborted();
      const reason = (error as Error).message;
      throw new Error(`${experiment.id.toUpperCase()} was given up: ${reason}`, { cause: error });
    } finally {
      this.#progress = null;
      if (this.#stack !== undefined) this.#adopt(this.#stack);
    }
  }

  #publish(report: string): void {
    this.#report = stripVTControlCharacters(report);
    this.#say(report);
  }

  #adopt(stack: Stack): void {
    this.#stack = stack;
    // Whoever is stopping the lab waits for this action, and then retires the stack.
    if (!this.#stopped.signal.aborted) void this.#keepLoaded(stack);
  }

  // Ends the light load, and forgets how it fared.
  #pause(): void {
    this.#loading?.abort();
    this.#recent.clear();
  }

  async #retire(): Promise<void> {
    this.#pause();
    const stack = this.#stack;
    this.#stack = undefined;
    await stack?.stop();
  }

  async #keepLoaded(stack: Stack): Promise<void> {
    const loading = new AbortController();
    this.#loading = loading;
    const { signal } = loading;
    for (let seed = 1; !signal.aborted; seed++) {
      const load = sendLoad(stack.edgeUrl, planArrivals({ ...LIVE_LOAD, seed }), {
        signal,
        onSend: ({ route }, dueAt, answer) => {
          if (route === "notes") this.#recent.add(dueAt, answer);
        },
      });
      await load.sent;
    }
  }
}

function limitOf({ limits }: EdgeState): LabState["workspaceLimit"] {
  const { allowed, refused } = limits.workspace;
  return { on: limits.on, allowed, refused };
}
