// Planted bugs, one for each trap that such policies are known to fall into. Each is a place in a
// source file and what stands there instead; a place that is no longer found fails loudly.

import type { Mutant } from "@compendium/house/planted";

const mutant = (file: string, name: string, search: string, replacement: string): Mutant => {
  return { name, file, search, replacement };
};

const call = mutant.bind(undefined, "call.ts");
const pipeline = mutant.bind(undefined, "pipeline.ts");
const wheel = mutant.bind(undefined, "deadline-wheel.ts");
const queue = mutant.bind(undefined, "wait-queue.ts");
const bulkhead = mutant.bind(undefined, "bulkhead.ts");
const retry = mutant.bind(undefined, "retry.ts");
const backoff = mutant.bind(undefined, "backoff.ts");
const budget = mutant.bind(undefined, "retry-budget.ts");
const timeout = mutant.bind(undefined, "timeout.ts");
const fallback = mutant.bind(undefined, "fallback.ts");
const breaker = mutant.bind(undefined, "circuit-breaker.ts");

export const mutants: readonly Mutant[] = [
  call(
    "a timeout aborts its neighbours",
    "child.abort(reason));",
    "child.abort(reason));\n    child.onAbort((reason) => this.abort(reason));",
  ),
  call("every other listener is skipped", "listener = next;", "listener = next?.next ?? next;"),
  call("a listener that throws silences the rest", "thrown ??= { error };", "throw error;"),
  call("a disposed listener is told", "listener.call = undefined;\n    const", "const"),
  call("the signal is not aborted", "this.#controller?.abort(reason);", ""),
  call("a released fork still hears its parent", "this.#fromParent?.dispose();", ""),
  call(
    "a fork may outlive its parent's deadline",
    "Math.min(deadlineMs, this.deadlineMs)",
    "deadlineMs",
  ),
  call("work that was given up on is not waited for", "this.tally === undefined", "true"),

  pipeline(
    "a policy may go on after the abort",
    "if (call.aborted) return Promise.reject(call.reason);\n    try {\n      return policy",
    "try {\n      return policy",
  ),
  pipeline(
    "what a policy throws is thrown at the caller",
    "return Promise.reject(error);\n    }\n  };",
    "throw error;\n    }\n  };",
  ),
  pipeline(
    "a signal that is aborted already is not looked at",
    "if (signal?.aborted) return Promise.reject(signal.reason);",
    "",
  ),
  pipeline("work that aborts its own caller hangs", "if (signal?.aborted) abort();", ""),
  pipeline(
    "the caller's signal keeps its listener",
    'signal?.removeEventListener("abort", abort);',
    "",
  ),
  pipeline("the deadline stays on the wheel", "timer?.cancel();", ""),
  pipeline(
    "the deadline only works with a signal",
    "call.abortable ? settleEarly",
    "signal ? settleEarly",
  ),
  pipeline(
    "a deadline that has passed starts the work",
    "if (!(deadlineInMs > 0)) return",
    "if (Number.isNaN(deadlineInMs)) return",
  ),
  pipeline("the order of policies is reversed", "policies.reduceRight<", "policies.reduce<"),
  pipeline("work is not counted", "call.tally?.began(promise);", ""),

  wheel(
    "a deadline is early by a tick",
    "Math.ceil(deadlineMs / TICK_MS)",
    "Math.floor(deadlineMs / TICK_MS)",
  ),
  wheel("an entry a turn away fires with this turn", "if (timer.tick <= now) due", "due"),
  wheel("one that throws stops the wheel", "thrown ??= { error };", "throw error;"),
  wheel("what was cancelled by what fired before it fires", "if (timer.tick === -1) continue;", ""),
  wheel(
    "an earlier deadline does not wake the wheel",
    " || tick < this.#wakeTick) this.#sleepUntil(tick);\n    const timer",
    ") this.#sleepUntil(tick);\n    const timer",
  ),
  wheel(
    "what fires sets the timer for itself alone",
    "|| tick < this.#wakeTick) this.#sleepUntil(tick);\n  }",
    ") this.#sleepUntil(tick);\n  }",
  ),
  wheel("a stall skips slots", "this.#tick + SLOTS);", "this.#tick + 1);"),
  wheel("the wheel turns with nothing on it", "if (this.#size === 0) return;", ""),
  wheel("the wheel wakes at every tick", "const SLEEP_TICKS = 16;", "const SLEEP_TICKS = 1;"),
  wheel(
    "a time that passed while the wheel was empty is forgotten",
    "if (this.#size++ === 0) {",
    "if (this.#size++ < 0) {",
  ),

  queue(
    "newest first at half full already",
    "this.#length > this.#lengthMax / 2",
    "this.#length >= this.#lengthMax / 2",
  ),
  queue(
    "the queue is one too long",
    "return this.#length >= this.#lengthMax;",
    "return this.#length > this.#lengthMax;",
  ),
  queue(
    "a standing queue is a burst",
    "standing ? this.#codel.targetMs : this.#codel.intervalMs",
    "this.#codel.intervalMs",
  ),
  queue(
    "a joined queue was never empty",
    "if (this.#length++ === 0) this.#emptyAtMs = waiter.arrivedAtMs;",
    "this.#length++;",
  ),
  queue("a passed deadline is served", "waiter.deadlineMs > now && ", ""),
  queue(
    "who is aborted stays in the queue",
    "this.remove(waiter);\n        reject(reason);",
    "reject(reason);",
  ),
  queue(
    "waitMsMax counts only when it is his turn",
    "this.#waitMsMax === Infinity",
    "this.#waitMsMax > 0",
  ),
  queue("who has left leaves again", "if (!waiter.queued) return false;", ""),
  queue("who waited too long is not counted", "this.#shed++;", ""),

  bulkhead(
    "a failure leaks its place",
    "(error) => {\n        this.#settled(call);",
    "(error) => {",
  ),
  bulkhead(
    "a place is free when its caller gives up",
    "if (call.tally === undefined) this.#leave(call);",
    "if (true) this.#leave(call);",
  ),
  bulkhead("one place too many", "this.#running < this.#max", "this.#running <= this.#max"),
  bulkhead("nobody takes the place over", "this.#queue.take(call.clock.now())?.admit();", ";"),

  retry(
    "an attempt after the abort, out of the back-off",
    "if (call.aborted) return this.#cancel(call.reason);",
    "",
  ),
  retry(
    "an attempt after the abort, out of a failure",
    "if (at.call.aborted) return this.#endAborted(result, at.attempt);",
    "",
  ),
  retry("an aborted back-off leaves its timer", "timer[Symbol.dispose]();", ""),
  retry("an aborted back-off waits to its end", "reject(reason);\n    });", "});"),
  retry("one attempt too many", "attempt >= this.#attemptsMax", "attempt > this.#attemptsMax"),
  retry("what is not idempotent is repeated", "!call.idempotent && !evenIfNotIdempotent", "false"),
  retry("refusals of this process are repeated", " && !isLocalRefusal(reason)", ""),
  retry("a passed deadline is tried again", " && !isPastDeadline(reason)", ""),
  retry(
    "a refused connection counts as misuse",
    "reason.cause === undefined || isMisuse(reason.cause)",
    "true",
  ),
  retry(
    "who asked to be left alone is not",
    "pause(at.call, askedMs + backoffMs)",
    "pause(at.call, backoffMs)",
  ),
  retry(
    "whom it asked to wait all return together",
    "pause(at.call, askedMs + backoffMs)",
    "pause(at.call, askedMs || backoffMs)",
  ),
  retry("pushback for good is ignored", 'if (askedMs < 0) return "no more";', ""),
  retry("a wait of any length is waited", "askedMs > this.#retryAfterMsMax || ", ""),
  retry("an attempt begins after the deadline", "|| askedMs + backoffMs >= call.remainingMs()", ""),
  retry("the budget is not asked", "budget !== undefined && !budget.withdraw()", "false"),
  retry("the budget does not learn of successes", "this.#options.budget?.succeeded();", ""),
  retry("the budget does not learn of requests", "this.#options.budget?.requested();", ""),
  retry(
    "the budget pays for what is not idempotent",
    "if (attempt >= this.#attemptsMax)",
    "if (budget?.withdraw() === false || attempt >= this.#attemptsMax)",
  ),

  backoff("no jitter", "this.#random.below(Math.floor(ceilingMs) + 1)", "ceilingMs"),
  backoff(
    "the first decorrelated wait has no jitter",
    "3 * Math.max(this.#baseMs, lastMs)",
    "Math.max(this.#baseMs, 3 * lastMs)",
  ),
  backoff(
    "growth has no limit",
    "Math.min(this.#maxMs, this.#baseMs * 2 ** (retry - 1))",
    "this.#baseMs * 2 ** (retry - 1)",
  ),
  backoff("growth begins too late", "2 ** (retry - 1)", "2 ** Math.max(0, retry - 2)"),

  budget(
    "the budget is fed by everything",
    "if (!this.#fedByRequests) this.#deposit();",
    "this.#deposit();",
  ),
  budget(
    "savings have no limit",
    "Math.min(this.#tokensMax, this.#tokens + this.#ratio)",
    "this.#tokens + this.#ratio",
  ),
  budget(
    "a retry is paid with what is not there",
    "if (this.#tokens < TOKEN)",
    "if (this.#tokens <= 0)",
  ),
  budget("tokens are fractions", "const TOKEN = 1_000;", "const TOKEN = 1.1;"),

  timeout("the work is not told", "attempt.abort(error);", ""),
  timeout("the timer is not cancelled", "timer.cancel();", ""),
  timeout("an aborted attempt is late", "if (attempt.aborted) return;", ""),
  timeout("the fork is never released", "attempt.release();", ""),
  timeout("the caller's deadline is lost", "call.fork(deadlineMs)", "call.fork()"),

  fallback("an aborted call is answered", "if (call.aborted) throw error;", ""),
  breaker(
    "a caller's abort is a failure",
    "if (isOutOfTime(reason)) reject(reason);",
    "if (reason !== undefined) reject(reason);",
  ),
  breaker(
    "a timeout outside is no failure",
    "if (isOutOfTime(reason)) reject(reason);\n        else ",
    "",
  ),
  breaker("an abort is not noticed", "if (!call.abortable)", "if (true)"),
  breaker("a full bulkhead opens the circuit", " && isLocalRefusal(error)", " && false"),
  mutant("errors.ts", "a timeout is a refusal", " && !isOutOfTime(reason)", ""),
  mutant(
    "errors.ts",
    "an open circuit is asked again",
    'reason.name === "CircuitBreakerError" || ',
    "",
  ),
];
