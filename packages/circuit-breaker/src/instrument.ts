// Metrics for a stock opossum breaker: the families of metrics.ts, so that one dashboard and one
// set of alerts serve both kinds. The breaker's events bump plain numbers; a scrape reads them.
//
// opossum is not imported: whatever has its getters and events will do, the door in opossum.ts too.
//
// Left out, because opossum does not tell: calls that are slow, late, cancelled or ignored are 0,
// and a call that timed out counts as ended, though its work may go on. Counting begins when the
// breaker is instrumented.
import type { MetricRegistry } from "@compendium/metrics";
import { CircuitBreaker, type State, type Stats } from "./index.ts";
import { registerCircuitBreakers } from "./metrics.ts";

/** What is asked of an opossum breaker. */
export interface StockBreaker {
  /** Becomes the label `name`. */
  readonly name: string;
  /** Whether the circuit is closed. */
  readonly closed: boolean;
  /** Whether the circuit is half-open. */
  readonly halfOpen: boolean;
  /** Whether calls are protected. */
  readonly enabled: boolean;
  /** Whether the breaker was shut down. */
  readonly isShutdown: boolean;
  /** The rolling counts; only these two are read. */
  readonly stats: { readonly failures: number; readonly fires: number };
  /** Adds a listener. */
  on(event: EventName, listener: AnyListener): unknown;
  /** Takes a listener away. */
  removeListener(event: EventName, listener: AnyListener): unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: typed emitters know their events, others do not.
type EventName = any;
// biome-ignore lint/suspicious/noExplicitAny: every event has arguments of its own.
type AnyListener = (...args: any[]) => void;

/** An opossum breaker that is counted, until it is disposed. */
export interface Instrument extends Disposable {
  /** The breaker's name. */
  readonly name: string;
  /** Where the breaker stands; `forced-open` after its shutdown. */
  readonly state: State;
  /** Plain numbers, as a CircuitBreaker of this package gives them. */
  stats(): Stats;
}

/**
 * Counts what `breaker` does, and shows it in `registry` if there is one, beside the breakers of
 * this package. Disposing stops both. A call costs a few increments; a scrape changes nothing.
 *
 * @throws TypeError when a breaker of that name is in the registry already
 */
export function instrument(breaker: StockBreaker, registry?: MetricRegistry): Instrument {
  const counted = new CountedBreaker(breaker);
  try {
    // It has the name, the state and the numbers of a breaker, which is all that is asked of one.
    if (registry) counted.registered = registerCircuitBreakers(registry, [counted.asBreaker()]);
  } catch (error) {
    counted[Symbol.dispose]();
    throw error;
  }
  return counted;
}

class CountedBreaker implements Instrument {
  registered: Disposable | undefined = undefined;
  readonly #breaker: StockBreaker;
  // One that is never called: it says what numbers there are, all of them 0.
  readonly #nothing: Stats = new CircuitBreaker().stats();
  readonly #counts: Stats["counts"] = this.#nothing.counts;
  readonly #entered: Stats["entered"] = this.#nothing.entered;
  readonly #listeners: [event: string, listener: (...args: unknown[]) => void][] = [];
  #inFlight = 0;
  // The refusal whose `failure` or `success` comes next: opossum reports it as a call's outcome.
  #refusal: unknown = undefined;

  constructor(breaker: StockBreaker) {
    this.#breaker = breaker;
    const counts = this.#counts;
    // While disabled, opossum tells that a call begins, and not that it ends.
    this.#on("fire", () => {
      if (breaker.enabled) this.#inFlight++;
    });
    this.#on("success", (result) => this.#end("success", result));
    this.#on("failure", (error) => this.#end("failure", error));
    this.#on("semaphoreLocked", (error) => {
      counts.refusedInFlightMax++;
      this.#refusal = error;
    });
    this.#on("reject", () => {
      if (breaker.halfOpen) counts.refusedHalfOpen++;
      else counts.refusedOpen++;
      this.#leave();
    });
    this.#on("cacheHit", () => this.#leave());
    this.#on("coalesceCacheHit", () => this.#leave());
    this.#on("open", () => this.#entered.open++);
    this.#on("halfOpen", () => this.#entered["half-open"]++);
    this.#on("close", () => this.#entered.closed++);
  }

  get name(): string {
    return this.#breaker.name;
  }

  get state(): State {
    const { isShutdown, enabled, closed, halfOpen } = this.#breaker;
    if (isShutdown) return "forced-open";
    if (!enabled) return "disabled";
    return closed ? "closed" : halfOpen ? "half-open" : "open";
  }

  stats(): Stats {
    const { failures, fires } = this.#breaker.stats;
    return {
      ...this.#nothing,
      state: this.state,
      counts: { ...this.#counts },
      entered: { ...this.#entered },
      inFlight: this.#inFlight,
      windowCalls: fires,
      // The rate that opossum judges by.
      failureRate: fires === 0 ? 0 : failures / fires,
    };
  }

  [Symbol.dispose](): void {
    this.registered?.[Symbol.dispose]();
    this.registered = undefined;
    for (const [event, listener] of this.#listeners) this.#breaker.removeListener(event, listener);
  }

  asBreaker(): CircuitBreaker {
    return this as unknown as CircuitBreaker;
  }

  #on(event: string, listener: (...args: unknown[]) => void): void {
    this.#breaker.on(event, listener);
    this.#listeners.push([event, listener]);
  }

  #end(outcome: "success" | "failure", result: unknown): void {
    this.#leave();
    const refused = this.#refusal !== undefined && this.#refusal === result;
    this.#refusal = undefined;
    if (!refused) this.#counts[outcome]++;
  }

  // Calls that began before they were counted end all the same.
  #leave(): void {
    if (this.#inFlight > 0) this.#inFlight--;
  }
}
