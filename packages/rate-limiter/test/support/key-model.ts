// All rules of one key together, answered by their models: what a limiter has to say.
import type { Answer } from "./histories.ts";
import { type Model, makeModel } from "./models.ts";
import type { RuleSpec } from "./rules.ts";
import { LeasesModel } from "./window-models.ts";

export class KeyModel {
  #specs: readonly RuleSpec[];
  readonly #models: readonly Model[];
  // What has been reserved, by the place of the operation.
  readonly #reserved = new Map<number, number>();

  constructor(specs: readonly RuleSpec[]) {
    this.#specs = specs;
    this.#models = specs.map(makeModel);
  }

  get hasLeases(): boolean {
    return this.#models.some((model) => model instanceof LeasesModel);
  }

  isUnder(specs: readonly RuleSpec[]): boolean {
    return specs === this.#specs;
  }

  /** Goes on under other rules. */
  under(specs: readonly RuleSpec[], nowUs: number): void {
    if (specs === this.#specs) return;
    for (const [i, model] of this.#models.entries()) {
      // What says the same changes nothing.
      if (!isAlike(this.#specs[i]!, specs[i]!)) model.convert(specs[i]!, nowUs);
    }
    this.#specs = specs;
  }

  waitUs(nowUs: number, cost: number): number {
    return Math.max(...this.#models.map((model) => model.waitUs(nowUs, cost)));
  }

  fullUs(nowUs: number): number {
    return Math.max(...this.#models.map((model) => model.fullUs(nowUs)));
  }

  remaining(nowUs: number): number {
    return Math.min(...this.#models.map((model) => model.remaining(nowUs)));
  }

  /** What a request would be told. */
  ask(nowUs: number, cost: number): Answer {
    const waits = this.#models.map((model) => model.waitUs(nowUs, cost));
    const waitUs = Math.max(...waits);
    const delays = this.#models.map((model) => model.delayUs(nowUs));
    const delayMs = waitUs === 0 ? Math.max(...delays) / 1000 : 0;
    return this.#answer(nowUs, waits, delayMs);
  }

  /** Takes it; the place is the name of the lease. */
  take(nowUs: number, cost: number, place: number): Answer {
    const { allowed, delayMs } = this.ask(nowUs, cost);
    const waits = this.#models.map((model) => model.waitUs(nowUs, cost));
    if (allowed) this.#charge(nowUs, cost, place);
    return this.#answer(nowUs, waits, delayMs);
  }

  reserve(nowUs: number, cost: number, waitMsMax: number, place: number): Answer {
    const asked = this.ask(nowUs, cost);
    const reserveMsMax = Math.min(...this.#specs.map((spec) => spec.reserveMsMax));
    const turnMs = Math.max(...this.#models.map((model) => model.delayUs(nowUs))) / 1000;
    // Both the place and, in a leaky bucket's queue, the turn have to be near enough.
    const mostMs = this.#hasQueue ? 0 : Math.min(reserveMsMax, Math.floor(waitMsMax));
    const tooEarlyMs = Math.max(asked.retryAfterMs - mostMs, Math.ceil(turnMs - waitMsMax));
    const isTooEarly = this.#hasQueue ? tooEarlyMs > 0 : asked.retryAfterMs > mostMs;
    if (isTooEarly) return { ...asked, allowed: false, retryAfterMs: tooEarlyMs, waitMs: 0 };
    const waitUs = this.waitUs(nowUs, cost);
    this.#charge(nowUs, cost, place);
    this.#reserved.set(place, cost);
    return { ...asked, allowed: true, waitMs: Math.max(waitUs / 1000, turnMs) };
  }

  refund(nowUs: number, cost: number): undefined {
    for (const model of this.#models) model.refund(nowUs, cost);
  }

  /** Whether a reservation has not been given back. */
  holds(place: number): boolean {
    return this.#reserved.has(place);
  }

  /** Gives a reservation back. */
  cancel(nowUs: number, place: number): undefined {
    this.refund(nowUs, this.#reserved.get(place)!);
    this.release(place);
    this.#reserved.delete(place);
  }

  release(lease: number): undefined {
    for (const model of this.#models) if (model instanceof LeasesModel) model.release(lease);
  }

  get #hasQueue(): boolean {
    return this.#specs.some((spec) => spec.algorithm === "leaky-bucket-queue");
  }

  #charge(nowUs: number, cost: number, place: number): void {
    for (const model of this.#models) {
      if (model instanceof LeasesModel) model.charge(nowUs, cost, place);
      else model.charge(nowUs, cost);
    }
  }

  // The rule that binds is the longest to wait for or, if all allow, the one with least remaining.
  #answer(nowUs: number, waits: readonly number[], delayMs: number): Answer {
    const waitUs = Math.max(...waits);
    const remainings = this.#models.map((model) => model.remaining(nowUs));
    const remaining = Math.min(...remainings);
    const fulls = this.#models.map((model) => Math.max(nowUs, model.fullUs(nowUs)));
    // Of those with the least remaining, the one that is full last.
    const latest = Math.max(...fulls.filter((_, i) => remainings[i] === remaining));
    const scarcest = fulls.findIndex((it, i) => it === latest && remainings[i] === remaining);
    const binding = waitUs > 0 ? waits.indexOf(waitUs) : scarcest;
    const fullUs = fulls[binding]!;
    return {
      allowed: waitUs === 0,
      retryAfterMs: Math.ceil(waitUs / 1000),
      remaining,
      delayMs,
      resetMs: Math.ceil((fullUs - nowUs) / 1000),
      rule: this.#specs[binding]!.name,
      waitMs: 0,
    };
  }
}

function isAlike(a: RuleSpec, b: RuleSpec): boolean {
  const isSameLimit = a.limit === b.limit && a.windowMs === b.windowMs;
  return isSameLimit && a.burst === b.burst && a.parts === b.parts;
}
