// How the edge asks the preview service. Five policies stand around the call, outermost first:
//
//     fallback ─▶ breaker ─▶ hedge ─▶ timeout ─▶ bulkhead ─▶ GET /preview
//
// - The fallback is outermost, so that whatever goes wrong further in is a bare link.
// - The breaker stands outside the hedge and judges what callers get: a straggler that a second
//   call overtook was no slow call. While it is open, a preview costs nothing.
// - The hedge stands outside the timeout: each attempt has its own. The other way round, a first
//   attempt would use up the time of the second.
// - The bulkhead is innermost: it counts what is really under way, hedges included, and gives a
//   place back when the work has ended, not when somebody stopped waiting. A hedge that finds it
//   full fails alone, while the first attempt goes on.
//
// Two switches: `protect` takes breaker, timeout and bulkhead out of the way (X1), `hedge` the
// hedge (X4). A preview is a GET, and may be asked for twice.
import { Agent } from "node:http";
import { CircuitBreaker, type Transition } from "@compendium/circuit-breaker";
import { registerCircuitBreakers } from "@compendium/circuit-breaker/metrics";
import {
  bulkhead,
  circuitBreaker,
  fallback,
  hedge,
  type Pipeline,
  pipelineOn,
  timeout,
} from "@compendium/resilience";
import { registerResilience } from "@compendium/resilience/metrics";
import { type Clock, systemClock } from "@compendium/runtime";
import type { Registry } from "prom-client";
import { getJson } from "./http.ts";
import type { Scenario } from "./scenario.ts";
import type { X4Scenario } from "./x4-scenario.ts";

const TRANSITIONS_MAX = 100;

/** A change of the breaker's state, on the clock that all processes of a machine share. */
export interface WallTransition extends Pick<Transition, "from" | "to" | "reason"> {
  wallMs: number;
}

/** What stands behind a link. */
export interface Preview {
  url: string;
  title: string;
}

/** Asks for a preview once; aborting ends the call. */
export type AskPreview = (link: string, signal: AbortSignal) => Promise<Preview>;

/** Asks the service at `previewUrl`, over connections that are kept. */
export function askPreviewAt(previewUrl: URL): AskPreview {
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  return (link, signal) => {
    const url = new URL("/preview", previewUrl);
    url.searchParams.set("url", link);
    return getJson(url, { agent, signal });
  };
}

/** The edge's side of the hop to the preview service. */
export class PreviewClient {
  readonly #ask: AskPreview;
  readonly #clock: Clock;
  readonly #breaker: CircuitBreaker;
  readonly #policies: ReturnType<typeof createPolicies>;
  readonly #transitions: WallTransition[] = [];
  #hedging = true;
  #pipeline: Pipeline<Preview>;

  constructor(
    ask: AskPreview,
    { breaker, client }: Pick<Scenario, "breaker"> & Pick<X4Scenario, "client">,
    clock: Clock = systemClock,
  ) {
    this.#ask = ask;
    this.#clock = clock;
    // Calls in flight are bounded by the bulkhead, which sees each attempt of a hedged call.
    const { inFlightMax, ...options } = breaker;
    this.#breaker = new CircuitBreaker({ name: "preview", ...options, clock });
    this.#breaker.on("transition", ({ from, to, reason, atMs }) => {
      this.#transitions.push({ from, to, reason, wallMs: performance.timeOrigin + atMs });
      if (this.#transitions.length > TRANSITIONS_MAX) this.#transitions.shift();
    });
    this.#policies = createPolicies(this.#breaker, inFlightMax, client);
    this.#pipeline = this.#compose();
  }

  /** Whether breaker, timeout and bulkhead are on. */
  get #protected(): boolean {
    return this.#breaker.state !== "disabled";
  }

  /** Asks what stands behind a link; a bare link where that cannot be had. */
  get(link: string, signal: AbortSignal): Promise<Preview> {
    const work = (call: { signal: AbortSignal }) => this.#ask(link, call.signal);
    return this.#pipeline.call(work, { signal, idempotent: true, key: link });
  }

  /** Switches breaker, timeout and bulkhead. */
  protect(on: boolean): void {
    if (on) this.#breaker.reset();
    else this.#breaker.disable();
    this.#pipeline = this.#compose();
  }

  /** Switches hedging. */
  hedge(on: boolean): void {
    this.#hedging = on;
    this.#pipeline = this.#compose();
  }

  /** Where it stands; a part of the edge's `GET /control`. */
  state(): object {
    const { barely, hedged, timed, bounded } = this.#policies;
    return {
      protection: this.#protected,
      breaker: this.#breaker.stats(),
      transitions: this.#transitions,
      hedging: this.#hedging,
      hedge: hedged.stats(),
      timeout: timed.stats(),
      bulkhead: bounded.stats(),
      bareLinks: barely.stats().answered,
    };
  }

  /** Shows the numbers of all five policies. */
  register(registry: Registry): void {
    const { barely, guarded, hedged, timed, bounded } = this.#policies;
    const all = pipelineOn(this.#clock, barely, guarded, hedged, timed, bounded);
    registerCircuitBreakers(registry, [this.#breaker]);
    registerResilience(registry, { preview: all });
  }

  // The policies stay what they are, and remember what they have measured; only who stands in the
  // way changes. Calls under way go on as they began.
  #compose(): Pipeline<Preview> {
    const { barely, guarded, hedged, timed, bounded } = this.#policies;
    return pipelineOn(
      this.#clock,
      barely,
      guarded,
      ...(this.#hedging ? [hedged] : []),
      ...(this.#protected ? [timed, bounded] : []),
    );
  }
}

function createPolicies(
  breaker: CircuitBreaker,
  concurrencyMax: number,
  { timeoutMs, hedge: hedgeOptions }: X4Scenario["client"],
) {
  return {
    // No title is a small loss; the link itself still works.
    barely: fallback((_error, { key = "" }): Preview => ({ url: key, title: key })),
    guarded: circuitBreaker(breaker),
    hedged: hedge(hedgeOptions),
    timed: timeout({ timeoutMs }),
    bounded: bulkhead({ concurrencyMax }),
  };
}
