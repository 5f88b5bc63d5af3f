// How the edge asks the preview service: through a circuit breaker. Its `inFlightMax` bounds how
// many of the edge's places previews may hold, its slow-call rate notices that they hang, and while
// it is open a preview costs nothing but a bare link.
import { Agent } from "node:http";
import { CircuitBreaker, type Transition } from "@compendium/circuit-breaker";
import { registerCircuitBreakers } from "@compendium/circuit-breaker/metrics";
import type { Registry } from "prom-client";
import { getJson } from "./http.ts";
import type { Scenario } from "./scenario.ts";

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

/** The edge's side of the hop to the preview service. */
export class PreviewClient {
  readonly #previewUrl: URL;
  readonly #breaker: CircuitBreaker;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  readonly #transitions: WallTransition[] = [];

  constructor(previewUrl: URL, { breaker }: Pick<Scenario, "breaker">, registry: Registry) {
    this.#previewUrl = previewUrl;
    this.#breaker = new CircuitBreaker({ name: "preview", ...breaker });
    this.#breaker.on("transition", ({ from, to, reason, atMs }) => {
      this.#transitions.push({ from, to, reason, wallMs: performance.timeOrigin + atMs });
      if (this.#transitions.length > TRANSITIONS_MAX) this.#transitions.shift();
    });
    registerCircuitBreakers(registry, [this.#breaker]);
  }

  /** Switches breaker and bulkhead. */
  protect(on: boolean): void {
    if (on) this.#breaker.reset();
    else this.#breaker.disable();
  }

  /** Where it stands; a part of the edge's `GET /control`. */
  state(): object {
    return {
      protection: this.#breaker.state !== "disabled",
      breaker: this.#breaker.stats(),
      transitions: this.#transitions,
    };
  }

  /** Asks what stands behind a link; a bare link where that cannot be had. */
  get(link: string, signal: AbortSignal): Promise<Preview> {
    const url = new URL("/preview", this.#previewUrl);
    url.searchParams.set("url", link);
    return this.#breaker.call(() => getJson<Preview>(url, { agent: this.#agent, signal }), {
      signal,
      // No title is a small loss; the link itself still works.
      fallback: () => ({ url: link, title: link }),
    });
  }
}
