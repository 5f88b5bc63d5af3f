// Planted bugs, one for each trap that breakers are known to fall into. Each is a place in a source
// file and what stands there instead; a place that is no longer found fails loudly.
import type { Mutant } from "@compendium/house/planted";

const mutant = (file: string, name: string, search: string, replacement: string): Mutant => {
  return { name, file, search, replacement };
};

const machine = mutant.bind(undefined, "state-machine.ts");
const endings = mutant.bind(undefined, "endings.ts");
const count = mutant.bind(undefined, "count-window.ts");
const time = mutant.bind(undefined, "time-window.ts");

export const mutants: readonly Mutant[] = [
  machine(
    "a late result of an untimed call counts",
    "if (generation !== this.generation) {",
    "if (false) {",
  ),
  machine(
    "a late result of a permit counts",
    "if (permit.generation !== this.generation) {",
    "if (false) {",
  ),
  machine(
    "a step of the wall clock moves the breaker",
    "return this.#clock.now();",
    "return (this.#clock as Clock).wallMs?.() ?? this.#clock.now();",
  ),
  machine("a state without a new generation", "this.generation++;", ""),
  machine(
    "a probe that never settles wedges half-open",
    "now >= this.probes.untilMs",
    "now >= Infinity",
  ),
  machine(
    "the rest after late probes counts from when somebody looks",
    'this.#open("probes-late", this.probes.untilMs)',
    'this.#open("probes-late", now)',
  ),
  machine(
    "a cancelled probe is not given back",
    "this.probes.admitted--;",
    "this.probes.admitted -= 0;",
  ),
  machine(
    "a probe that was judged as slow is given back as well",
    "} else if (!overdue) {\n      this.#giveProbeBack();",
    "} else {\n      this.#giveProbeBack();",
  ),
  machine("half-open admits one probe too many", "admitted >= settings", "admitted > settings"),
  machine(
    "the rate is compared as a product",
    "window.failures / window.calls >= settings.failureRateThreshold",
    "window.failures >= settings.failureRateThreshold * window.calls",
  ),
  machine(
    "the rate must lie above the threshold",
    "window.failures / window.calls >= ",
    "window.failures / window.calls > ",
  ),
  machine(
    "the minimum of calls is off by one",
    "window.calls >= settings.minimumCalls",
    "window.calls > settings.minimumCalls",
  ),
  machine(
    "failures in a row are never forgotten",
    "this.failuresInARow = 0;\n    if (this.#running",
    "if (this.#running",
  ),
  machine(
    "a success does not end a run of failures",
    "this.failuresInARow = failed ? this.failuresInARow + 1 : 0;\n      if",
    "this.failuresInARow += failed ? 1 : 0;\n      if",
  ),
  machine(
    "a permit gives its place back twice",
    "if (!permit.released) {",
    "if (!permit.released || permit.judged) {",
  ),
  machine("a permit counts twice", "if (permit.judged) return;", ""),
  machine(
    "a refused call keeps a place in flight",
    "this.counts.refusedInFlightMax++;",
    "this.counts.refusedInFlightMax++;\n    this.inFlight++;",
  ),
  machine(
    "inFlightMax is off by one",
    "if (this.inFlight >= this.settings.inFlightMax) return",
    "if (this.inFlight > this.settings.inFlightMax) return",
  ),
  machine(
    "probes do not respect inFlightMax",
    "if (this.inFlight >= settings.inFlightMax) return this.#refuseInFlightMax();",
    "",
  ),
  machine("no jitter", "grownMs + this.#random.below(", "grownMs + 0 * this.#random.below("),
  machine("growth is not ended by a close", "this.trips = 0;", ""),
  machine(
    "growth has no limit",
    "Math.min(openForMs * openGrowth ** this.trips, openForMsMax)",
    "openForMs * openGrowth ** this.trips",
  ),
  machine("the window survives a close", "this.window.clear();", ""),
  machine(
    "hanging calls are not noticed when a call starts",
    "this.#markOverdue(this.#running, startedAt);",
    ";",
  ),
  machine(
    "hanging calls are not noticed when a call settles",
    "this.#markOverdue(this.#running, this.now());",
    ";",
  ),
  machine(
    "a call that took exactly slowAfterMs is slow",
    "now - oldest.startedAt > ",
    "now - oldest.startedAt >= ",
  ),
  machine(
    "calls of an earlier generation are still swept",
    "if (this.#running !== undefined) this.#running = new InFlightRing(this);",
    "",
  ),
  machine(
    "a slow call that fails in the end is no failure",
    "else if (failed) this.#failedAfterAll(permit.ticket as number);",
    "",
  ),
  machine(
    "a failure is marked in a window that has not forgotten",
    "if (this.window.needsTime) this.window.expire(this.now());",
    "",
  ),
  machine(
    "a wait is rounded down",
    "Math.ceil(this.openUntil - now)",
    "Math.floor(this.openUntil - now) - 1",
  ),
  machine(
    "a listener's word in the middle of an admission is ignored",
    'this.#enter("half-open", "rested", now);\n      return this.admit();',
    'this.#enter("half-open", "rested", now);',
  ),
  mutant("probes.ts", "probes close too early", "halfOpenCalls - this.judged", "0"),
  mutant(
    "in-flight.ts",
    "a settled call stays in the ring",
    "older.younger = younger;\n  younger.older = older;",
    "",
  ),
  count(
    "the window is one call too long",
    "this.#next + 1 === this.#size",
    "this.#next === this.#size",
  ),
  count(
    "the call that leaves is not taken off the sums",
    "(outcome & FAILED) - (leaving & FAILED)",
    "outcome & FAILED",
  ),
  count("a forgotten call is marked", "ticket < this.#recorded - this.#size || ", ""),
  time(
    "the window is one bucket too long",
    "epoch - this.#epoch, this.#buckets)",
    "epoch - this.#epoch, this.#buckets - 1)",
  ),
  time("a forgotten bucket is marked", "if (ticket > this.#epoch - this.#buckets) ", ""),
  time("a saved window does not age", "Math.floor(elapsedMs / this.#bucketMs)", "0"),
  mutant(
    "snapshot.ts",
    "an endless rest is restored",
    "openForMs <= longestMs",
    "openForMs < Infinity",
  ),
  endings(
    "a call that throws at once is not counted",
    "return Promise.reject(error);",
    "throw error;",
  ),
  endings(
    "a predicate that throws leaks a place in flight",
    "  } finally {\n    machine.settle(permit, outcome, slow);\n  }",
    "  } catch (error) {\n    throw error;\n  }\n  machine.settle(permit, outcome, slow);",
  ),
  endings(
    "an abort leaves its listener behind",
    'signal.removeEventListener("abort", abort)',
    "undefined",
  ),
  endings("an abort by the work itself is missed", "if (signal.aborted) abort();", ""),
  endings(
    "a failure is swallowed",
    'settle(this, "failure");\n  throw reason;',
    'settle(this, "failure");\n  return undefined as never;',
  ),
  mutant(
    "circuit-breaker.ts",
    "a call belongs to the state that its own work leads to",
    "const onFulfilled = this.#onFulfilled;\n    const onRejected = this.#onRejected;\n    return derive(start(work), onFulfilled, onRejected);",
    "return derive(start(work), (value) => this.#onFulfilled(value), (reason) => this.#onRejected(reason));",
  ),
  mutant(
    "circuit-breaker.ts",
    "an abort gives the place in flight back too early",
    'this.#machine.judge(permit, "cancelled")',
    'this.#machine.settle(permit, "cancelled")',
  ),
  mutant(
    "circuit-breaker.ts",
    "the fallback is asked after an abort",
    "if (signal?.aborted) throw error;",
    "",
  ),
];
