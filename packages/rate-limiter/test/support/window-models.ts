// Models of the algorithms that look back over a window; see models.ts. Each keeps all that was
// admitted, and counts it again at every question.
import type { Model } from "./models.ts";
import type { RuleSpec } from "./rules.ts";

interface Admission {
  readonly atUs: number;
  cost: number;
}

/** The definition: in the window that ends now, no more than the limit. */
export class LogModel implements Model {
  protected spec: RuleSpec;
  protected admissions: Admission[] = [];

  constructor(spec: RuleSpec) {
    this.spec = spec;
  }

  waitUs(nowUs: number, cost: number): number {
    if (cost > this.spec.limit) return Infinity;
    // Whoever comes while a reservation waits stands in line behind it.
    const earliestUs = Math.max(nowUs, this.#lastUs());
    if (this.#usedAt(earliestUs) + cost <= this.spec.limit) return earliestUs - nowUs;
    const ends = this.admissions.map(({ atUs }) => atUs + this.#windowUs());
    const fits = (atUs: number) =>
      atUs > earliestUs && this.#usedAt(atUs) + cost <= this.spec.limit;
    return ends.find(fits)! - nowUs;
  }

  charge(nowUs: number, cost: number): void {
    this.admissions.push({ atUs: nowUs + this.waitUs(nowUs, cost), cost });
  }

  refund(nowUs: number, cost: number): void {
    this.#forget(nowUs);
    takeBack(this.admissions, cost);
  }

  remaining(nowUs: number): number {
    if (this.#lastUs() > nowUs) return 0;
    return Math.max(0, this.spec.limit - this.#usedAt(nowUs));
  }

  fullUs(nowUs: number): number {
    const fullUs = this.#lastUs() + this.#windowUs();
    return fullUs > nowUs ? fullUs : 0;
  }

  delayUs(): number {
    return 0;
  }

  convert(spec: RuleSpec, nowUs: number): void {
    this.#forget(nowUs);
    this.spec = spec;
  }

  #lastUs(): number {
    return this.admissions.at(-1)?.atUs ?? Number.NEGATIVE_INFINITY;
  }

  #usedAt(nowUs: number): number {
    let used = 0;
    for (const { atUs, cost } of this.admissions) if (atUs > nowUs - this.#windowUs()) used += cost;
    return used;
  }

  #forget(nowUs: number): void {
    this.admissions = this.admissions.filter(({ atUs }) => atUs > nowUs - this.#windowUs());
  }

  #windowUs(): number {
    return this.spec.windowMs * 1000;
  }
}

/** Leases are a log without reservations, and some of them end early. */
export class LeasesModel extends LogModel {
  /** A place is given back by its lease. */
  override refund(): void {}

  readonly #leases = new Map<number, Admission>();

  /** The next thing charged is the lease of that number. */
  override charge(nowUs: number, cost: number, lease = 0): void {
    super.charge(nowUs, cost);
    this.#leases.set(lease, this.admissions.at(-1)!);
  }

  /** Ends a lease; false when it has ended before. */
  release(lease: number): boolean {
    const index = this.admissions.indexOf(this.#leases.get(lease)!);
    if (index !== -1) this.admissions.splice(index, 1);
    return index !== -1;
  }
}

/** The formula of the interpolated counter, over all windows so far and without rounding. */
export class EstimateModel implements Model {
  #spec: RuleSpec;
  #counts = new Map<number, number>();
  // The newest window; ahead of the present where a reservation has opened it.
  #newest = 0;

  constructor(spec: RuleSpec) {
    this.#spec = spec;
  }

  waitUs(nowUs: number, cost: number): number {
    if (cost > this.#spec.limit) return Infinity;
    this.#pass(nowUs);
    const windowUs = this.#windowUs();
    const beganUs = this.#newest * windowUs;
    const [current, previous] = [this.#count(this.#newest), this.#count(this.#newest - 1)];
    const earliestUs = Math.max(nowUs, beganUs);
    const inThisUs = this.#fadedUs(previous, this.#spec.limit - current - cost);
    if (inThisUs !== undefined) return Math.max(earliestUs, beganUs + inThisUs) - nowUs;
    return beganUs + windowUs + this.#fadedUs(current, this.#spec.limit - cost)! - nowUs;
  }

  charge(nowUs: number, cost: number): void {
    const atUs = nowUs + this.waitUs(nowUs, cost);
    this.#newest = Math.max(this.#newest, Math.floor(atUs / this.#windowUs()));
    this.#counts.set(this.#newest, this.#count(this.#newest) + cost);
  }

  refund(nowUs: number, cost: number): void {
    this.#pass(nowUs);
    let left = cost;
    for (const window of [this.#newest, this.#newest - 1]) {
      const taken = Math.min(left, this.#count(window));
      this.#counts.set(window, this.#count(window) - taken);
      left -= taken;
    }
  }

  remaining(nowUs: number): number {
    this.#pass(nowUs);
    const windowUs = this.#windowUs();
    const beganUs = this.#newest * windowUs;
    if (beganUs > nowUs) return 0;
    const inSight = BigInt(this.#count(this.#newest - 1)) * BigInt(beganUs + windowUs - nowUs);
    const room = BigInt(this.#spec.limit - this.#count(this.#newest)) * BigInt(windowUs) - inSight;
    return room <= 0n ? 0 : Number(room / BigInt(windowUs));
  }

  fullUs(nowUs: number): number {
    this.#pass(nowUs);
    if (this.#count(this.#newest) > 0) return (this.#newest + 2) * this.#windowUs();
    if (this.#count(this.#newest - 1) > 0) return (this.#newest + 1) * this.#windowUs();
    return this.#newest * this.#windowUs();
  }

  delayUs(): number {
    return 0;
  }

  // What is in sight counts as taken now, if the windows are others.
  convert(spec: RuleSpec, nowUs: number): void {
    const used = this.#spec.limit - this.remaining(nowUs);
    const isSame = this.#spec.windowMs === spec.windowMs;
    this.#spec = spec;
    if (isSame) return;
    this.#newest = Math.floor(nowUs / this.#windowUs());
    this.#counts = new Map([[this.#newest, used]]);
  }

  // The first whole µs of a window at which `count` of the one before has faded to `room`.
  #fadedUs(count: number, room: number): number | undefined {
    if (room < 0) return undefined;
    if (count <= room) return 0;
    const hiddenUs = (BigInt(room) * BigInt(this.#windowUs())) / BigInt(count);
    return this.#windowUs() - Number(hiddenUs);
  }

  #count(window: number): number {
    return this.#counts.get(window) ?? 0;
  }

  #pass(nowUs: number): void {
    this.#newest = Math.max(this.#newest, Math.floor(nowUs / this.#windowUs()));
  }

  #windowUs(): number {
    return this.#spec.windowMs * 1000;
  }
}

/** Whatever was taken in a part of the window counts until the whole part is out of sight. */
export class PartsModel implements Model {
  #spec: RuleSpec;
  // By the number of the part, in order.
  #taken: { readonly part: number; cost: number }[] = [];
  #newest = 0;

  constructor(spec: RuleSpec) {
    this.#spec = spec;
  }

  waitUs(nowUs: number, cost: number): number {
    if (cost > this.#spec.limit) return Infinity;
    this.#pass(nowUs);
    const earliestUs = Math.max(nowUs, this.#newest * this.#partUs());
    const ends = this.#taken.map(({ part }) => (part + this.#spec.parts + 1) * this.#partUs());
    const moments = [earliestUs, ...ends.filter((atUs) => atUs > earliestUs)];
    const fits = (atUs: number) =>
      this.#usedIn(Math.floor(atUs / this.#partUs())) + cost <= this.#spec.limit;
    return moments.find(fits)! - nowUs;
  }

  charge(nowUs: number, cost: number): void {
    const atUs = nowUs + this.waitUs(nowUs, cost);
    this.#newest = Math.floor(atUs / this.#partUs());
    this.#taken.push({ part: this.#newest, cost });
  }

  refund(nowUs: number, cost: number): void {
    this.#pass(nowUs);
    takeBack(this.#taken, Math.min(cost, this.#usedIn(this.#newest)));
  }

  remaining(nowUs: number): number {
    this.#pass(nowUs);
    if (this.#newest * this.#partUs() > nowUs) return 0;
    return Math.max(0, this.#spec.limit - this.#usedIn(this.#newest));
  }

  fullUs(nowUs: number): number {
    this.#pass(nowUs);
    if (this.#usedIn(this.#newest) === 0) return this.#newest * this.#partUs();
    return (this.#taken.at(-1)!.part + this.#spec.parts + 1) * this.#partUs();
  }

  delayUs(): number {
    return 0;
  }

  // What is in sight counts as taken now, if the parts are others.
  convert(spec: RuleSpec, nowUs: number): void {
    this.#pass(nowUs);
    const used = this.#usedIn(this.#newest);
    const partUs = this.#partUs();
    this.#spec = spec;
    if (this.#partUs() === partUs) return;
    this.#newest = Math.floor(nowUs / this.#partUs());
    this.#taken = used === 0 ? [] : [{ part: this.#newest, cost: used }];
  }

  #usedIn(newest: number): number {
    const inSight = this.#taken.filter(({ part }) => part >= newest - this.#spec.parts);
    return inSight.reduce((used, { cost }) => used + cost, 0);
  }

  #pass(nowUs: number): void {
    this.#newest = Math.max(this.#newest, Math.floor(nowUs / this.#partUs()));
  }

  #partUs(): number {
    return Math.ceil((this.#spec.windowMs * 1000) / this.#spec.parts);
  }
}

function takeBack(taken: { cost: number }[], cost: number): void {
  let left = cost;
  while (left > 0 && taken.length > 0) {
    const last = taken.at(-1)!;
    const back = Math.min(left, last.cost);
    left -= back;
    last.cost -= back;
    if (last.cost === 0) taken.pop();
  }
}
