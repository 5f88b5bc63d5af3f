// Everything that can be done to the running demo, whoever asks: a key, the page, or curl. The lab
// owns the stack that is live, the light load on it, and the order in which things happen.

import { stripVTControlCharacters } from "node:util";
import { planArrivals, type Sample, sendLoad } from "./load.ts";
import { formatComparison } from "./report.ts";
import type { Scenario } from "./scenario.ts";
import type { EdgeState, Stack, StackSource } from "./stack.ts";
import { type Comparison, percentile, runX1, shareWithin } from "./x1.ts";

// Enough for a fault without protection to fill the edge within seconds, little enough to ignore.
const LIVE_LOAD = { ratePerSecond: 100, previewShare: 0.5, durationMs: 10_000 };
const RECENT_MS = 5_000;

/** What the page and `GET /lab` show. */
export interface LabState {
  busy: boolean;
  pattern: boolean;
  fault: boolean;
  /** The live load's other requests over the last five seconds; null while there were none. */
  recent: { withinShare: number; p99Ms: number } | null;
  breaker: EdgeState["breaker"] | null;
  inFlight: number;
  queued: number;
  /** The last comparison, as the terminal shows it. */
  report: string | null;
}

/** An action that cannot be taken now. */
export class BusyError extends Error {}

export class Lab {
  readonly #source: StackSource;
  readonly #scenario: Scenario;
  readonly #say: (line: string) => void;
  readonly #stopped = new AbortController();

  #stack: Stack | undefined;
  #loading: AbortController | undefined;
  #recent: { at: number; sample: Sample }[] = [];
  #busy = false;
  #pattern = true;
  #fault = false;
  #report: string | null = null;

  constructor(source: StackSource, scenario: Scenario, say: (line: string) => void) {
    this.#source = source;
    this.#scenario = scenario;
    this.#say = say;
  }

  /** Where the live edge is, while there is one. */
  get edgeUrl(): URL | undefined {
    return this.#stack?.edgeUrl;
  }

  /** Runs X1 on fresh processes; the protected ones are live afterwards. */
  async runExperiment(): Promise<Comparison> {
    return this.#alone(async () => {
      await this.#retire();
      const { comparison, stack } = await runX1(
        this.#source,
        this.#scenario,
        this.#say,
        this.#stopped.signal,
      );
      this.#adopt(stack);
      const report = formatComparison(comparison, this.#scenario);
      this.#report = stripVTControlCharacters(report);
      this.#say(report);
      return comparison;
    });
  }

  /** Switches breaker and bulkhead; without an argument, to the other side. */
  async setPattern(on: boolean = !this.#pattern): Promise<void> {
    await this.#alone(async (stack) => {
      await stack.protect(on);
      this.#pattern = on;
      this.#say(`breaker and bulkhead are ${on ? "on" : "off"}`);
    });
  }

  /** Switches the preview service's fault; without an argument, to the other side. */
  async setFault(on: boolean = !this.#fault): Promise<void> {
    await this.#alone(async (stack) => {
      await stack.breakPreview(on);
      this.#fault = on;
      this.#say(on ? "a preview takes 5 s from now on" : "previews are quick again");
    });
  }

  /** Fresh processes, pattern on, fault off. */
  async reset(): Promise<void> {
    await this.#alone(async () => {
      await this.#retire();
      this.#adopt(await this.#source.fresh(true));
      this.#say("fresh processes: the pattern is on, nothing is broken");
    });
  }

  async state(): Promise<LabState> {
    const edge = await this.#stack?.edge().catch(() => undefined);
    return {
      busy: this.#busy,
      pattern: this.#pattern,
      fault: this.#fault,
      recent: this.recent(),
      breaker: edge?.breaker ?? null,
      inFlight: edge?.inFlight ?? 0,
      queued: edge?.queued ?? 0,
      report: this.#report,
    };
  }

  recent(): LabState["recent"] {
    const since = performance.now() - RECENT_MS;
    this.#recent = this.#recent.filter(({ at }) => at >= since);
    const samples = this.#recent.map(({ sample }) => sample);
    if (samples.length === 0) return null;
    const withinShare = shareWithin(samples, this.#scenario.withinMs);
    return { withinShare, p99Ms: percentile(samples, 0.99) };
  }

  /** Ends the load and every process that belongs to the lab. */
  async stop(): Promise<void> {
    this.#stopped.abort(new Error("the demo was stopped"));
    await this.#retire();
  }

  // One action at a time: two experiments at once would measure each other.
  async #alone<T>(act: (stack: Stack) => Promise<T>): Promise<T> {
    if (this.#busy) throw new BusyError("busy: an experiment or another action is under way");
    this.#busy = true;
    try {
      return await act(this.#stack as Stack);
    } finally {
      this.#busy = false;
    }
  }

  #adopt(stack: Stack): void {
    this.#stack = stack;
    this.#pattern = true;
    this.#fault = false;
    if (this.#stopped.signal.aborted) void this.#retire();
    else this.#keepLoaded(stack);
  }

  async #retire(): Promise<void> {
    this.#loading?.abort();
    this.#recent = [];
    const stack = this.#stack;
    this.#stack = undefined;
    await stack?.stop();
  }

  async #keepLoaded(stack: Stack): Promise<void> {
    const loading = new AbortController();
    this.#loading = loading;
    for (let seed = 1; !loading.signal.aborted; seed++) {
      const plan = planArrivals({ ...LIVE_LOAD, seed });
      await sendLoad(stack.edgeUrl, plan, {
        signal: loading.signal,
        onSample: (sample) => {
          if (loading.signal.aborted || sample.route !== "notes") return;
          this.#recent.push({ at: performance.now(), sample });
        },
      }).sent;
    }
  }
}
