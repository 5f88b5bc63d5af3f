// A server in virtual time: some workers, a first-come-first-served backlog before them, and a wire
// of constant length. It is what an adaptive limit has to find its way around in, so it is built to
// be unkind where servers are unkind:
//
//  - a request whose client has given up is worked off all the same, at full price;
//  - workers that are taken away finish what they have in hand;
//  - the backlog has no bound: nothing but the limit keeps it short.
//
// One run is one seed; the same seed replays exactly. Requests are events on a heap, so a million
// of them take about a second. Left out: workers of unequal speed, and work that disturbs other
// work.
import type { Limit } from "@compendium/resilience";
import type { Random } from "@compendium/runtime";

/** How the time that a worker takes for one request scatters around its mean. */
export type Spread = "constant" | "uniform" | "exponential" | "bimodal";

export interface ServerOptions {
  workers: number;
  /** Mean time of a worker for one request. */
  serviceMs: number;
  spread: Spread;
  /** There and back. */
  wireMs: number;
}

/** Something that happens to the server during a run. */
export interface Change {
  atMs: number;
  workers?: number;
  serviceMs?: number;
}

export interface RunOptions {
  server: ServerOptions;
  limit: Limit;
  random: Random;
  untilMs: number;
  /** Poisson arrivals, refused when the limit is reached; "press": somebody is always waiting. */
  arrivalsPerMs: number | "press" | ((nowMs: number) => number);
  /** How long a client waits for the answer. Default: for ever. */
  timeoutMs?: number;
  changes?: Change[];
  /** Called once per `everyMs`, with the limit then in force. */
  watch?: { everyMs: number; see(limit: number, nowMs: number, rttMs: number): void };
  /** Counting starts here. Default 0. */
  countFromMs?: number;
}

export interface RunResult {
  offered: number;
  refused: number;
  /** Answers within the timeout. */
  useful: number;
  timedOut: number;
  rttMeanMs: number;
  inFlightMax: number;
}

/** A whole draw from the spread, in ms. */
function draw(random: Random, spread: Spread, meanMs: number): number {
  const unit = (random.below(2 ** 30) + 0.5) / 2 ** 30;
  if (spread === "constant") return meanMs;
  if (spread === "uniform") return meanMs * (0.5 + unit);
  if (spread === "exponential") return -meanMs * Math.log(unit);
  // One request in ten takes ten times as long as the others: a coefficient of variation of 1.42.
  return (meanMs / 1.9) * (random.below(10) === 0 ? 10 : 1);
}

interface Event {
  atMs: number;
  order: number;
  fire: () => void;
}

/** Events in order of time; equal times in order of arrival. */
class Agenda {
  readonly #heap: Event[] = [];
  #order = 0;
  nowMs = 0;

  at(atMs: number, fire: () => void): void {
    const event = { atMs, order: this.#order++, fire };
    const heap = this.#heap;
    let i = heap.length;
    heap.push(event);
    while (i > 0) {
      const up = (i - 1) >> 1;
      if (!before(event, heap[up] as Event)) break;
      heap[i] = heap[up] as Event;
      i = up;
    }
    heap[i] = event;
  }

  runUntil(untilMs: number): void {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.atMs > untilMs) break;
      this.#pop();
      this.nowMs = first.atMs;
      first.fire();
    }
    this.nowMs = untilMs;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Event, heap[child] as Event))
        child++;
      if (!before(heap[child] as Event, last)) break;
      heap[i] = heap[child] as Event;
      i = child;
    }
    heap[i] = last;
  }
}

function before(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** The workers and their backlog. */
class Server {
  readonly #agenda: Agenda;
  readonly #random: Random;
  readonly #backlog: (() => void)[] = [];
  #head = 0;
  #busy = 0;
  options: ServerOptions;

  constructor(agenda: Agenda, random: Random, options: ServerOptions) {
    this.#agenda = agenda;
    this.#random = random;
    this.options = { ...options };
  }

  /** Sends one request; `answered` is called when its answer is back. */
  send(answered: () => void): void {
    const halfMs = this.options.wireMs / 2;
    if (halfMs === 0) this.#arrive(answered);
    else
      this.#agenda.at(this.#agenda.nowMs + halfMs, () =>
        this.#arrive(() => this.#agenda.at(this.#agenda.nowMs + halfMs, answered)),
      );
  }

  change({ workers, serviceMs }: Change): void {
    if (workers !== undefined) this.options.workers = workers;
    if (serviceMs !== undefined) this.options.serviceMs = serviceMs;
    this.#work();
  }

  #arrive(done: () => void): void {
    this.#backlog.push(done);
    this.#work();
  }

  #work(): void {
    while (this.#busy < this.options.workers && this.#head < this.#backlog.length) {
      const done = this.#backlog[this.#head++] as () => void;
      if (this.#head === 4096) this.#head -= this.#backlog.splice(0, this.#head).length;
      this.#busy++;
      const { spread, serviceMs } = this.options;
      this.#agenda.at(this.#agenda.nowMs + draw(this.#random, spread, serviceMs), () => {
        this.#busy--;
        done();
        this.#work();
      });
    }
  }
}

/** Runs clients behind a limit against the server. */
export function run(options: RunOptions): RunResult {
  const { limit, random, untilMs, timeoutMs = Infinity, countFromMs = 0 } = options;
  const agenda = new Agenda();
  const server = new Server(agenda, random, options.server);
  const result = { offered: 0, refused: 0, useful: 0, timedOut: 0, rttMeanMs: 0, inFlightMax: 0 };
  let inFlight = 0;
  let rttSumMs = 0;
  let lastRttMs = 0;

  const settle = (startMs: number, atAdmission: number, dropped: boolean) => {
    inFlight--;
    lastRttMs = agenda.nowMs - startMs;
    limit.onSample({ rttMs: lastRttMs, inFlight: atAdmission, dropped, nowMs: agenda.nowMs });
    if (agenda.nowMs >= countFromMs) {
      if (dropped) result.timedOut++;
      else result.useful++;
      rttSumMs += lastRttMs;
    }
    if (options.arrivalsPerMs === "press") press();
  };
  const start = () => {
    const startMs = agenda.nowMs;
    const atAdmission = ++inFlight;
    let over = false;
    result.inFlightMax = Math.max(result.inFlightMax, inFlight);
    if (timeoutMs < Infinity) {
      agenda.at(startMs + timeoutMs, () => {
        if (!over) settle(startMs, atAdmission, true);
        over = true;
      });
    }
    server.send(() => {
      if (!over) settle(startMs, atAdmission, false);
      over = true;
    });
  };
  const press = () => {
    while (inFlight < limit.limit) start();
  };
  const arrive = () => {
    if (agenda.nowMs >= countFromMs) result.offered++;
    if (inFlight < limit.limit) start();
    else if (agenda.nowMs >= countFromMs) result.refused++;
    next();
  };
  const next = () => {
    const { arrivalsPerMs } = options;
    const rate = typeof arrivalsPerMs === "function" ? arrivalsPerMs(agenda.nowMs) : arrivalsPerMs;
    agenda.at(agenda.nowMs + draw(random, "exponential", 1 / (rate as number)), arrive);
  };

  for (const change of options.changes ?? []) agenda.at(change.atMs, () => server.change(change));
  const { watch } = options;
  if (watch !== undefined) {
    const look = () => {
      watch.see(limit.limit, agenda.nowMs, lastRttMs);
      agenda.at(agenda.nowMs + watch.everyMs, look);
    };
    agenda.at(watch.everyMs, look);
  }
  if (options.arrivalsPerMs === "press") press();
  else next();
  agenda.runUntil(untilMs);
  result.rttMeanMs = rttSumMs / Math.max(1, result.useful + result.timedOut);
  return result;
}

/** A limit that stays where it is. */
export function fixed(limit: number): Limit {
  return { limit, onSample: () => limit };
}

/**
 * The concurrency at which throughput divided by response time is greatest (L. Kleinrock, "Power
 * and Deterministic Rules of Thumb", ICC 1979): found by trying every one of them on the model.
 */
export function optimumBySearch(
  server: ServerOptions,
  random: () => Random,
  toMax: number,
): number {
  let best = 0;
  let at = 0;
  const rttMs = server.serviceMs + server.wireMs;
  for (let n = 1; n <= toMax; n++) {
    const countFromMs = 5 * rttMs;
    const untilMs = countFromMs + 60 * rttMs;
    const limit = fixed(n);
    const result = run({
      server,
      limit,
      random: random(),
      untilMs,
      countFromMs,
      arrivalsPerMs: "press",
    });
    const power = result.useful / result.rttMeanMs;
    if (power > best) [best, at] = [power, n];
  }
  return at;
}

/** The same in one line: every worker busy, nobody waiting (the bandwidth-delay product). */
export function optimum({ workers, serviceMs, wireMs }: ServerOptions): number {
  return (workers * (serviceMs + wireMs)) / serviceMs;
}
