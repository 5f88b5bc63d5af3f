// The billing service: charges for seats. It stands for every dependency whose work must be done
// once and whose capacity is small.
//
//     request ─▶ queue ─▶ worker (20 ms) ─▶ ledger: charged, or charged before
//
// The key is looked up by the worker, where the charge is made. So a repeated request costs as much
// as the first, which is what makes retries dangerous here, and a request whose caller has gone is
// carried out all the same: that the answer was lost does not undo the charge.
//
// With shedding, a request says how long its caller will wait, and one that has waited longer in
// the queue is answered 504 and not started.
import type { IncomingMessage, ServerResponse } from "node:http";
import { registerMetrics } from "@compendium/metrics";
import { parseTimeoutMs, ResilienceError, TIMEOUT_MS_HEADER } from "@compendium/resilience";
import { SeededRandom, systemClock } from "@compendium/runtime";
import { Registry } from "prom-client";
import type { Listen } from "./command-line.ts";
import { readJson, sendJson, sendText } from "./http.ts";
import { type Charge, type Entry, IDEMPOTENCY_KEY, Ledger } from "./ledger.ts";
import { runService, type ServiceDefinition } from "./service.ts";
import { Workers } from "./workers.ts";
import { type X2Scenario, scenario as x2 } from "./x2-scenario.ts";

const KEYS = { keysMax: 100_000, keptForMs: 600_000 };
const SLOWDOWN_MAX = 1_000;
const CENTS_MAX = 1_000_000;

/** Runs the service until it is told to stop. */
export async function runBilling(options: Listen & { shedding: boolean }): Promise<void> {
  await runService(createBilling(x2, options.shedding), options);
}

/** The service, sound at first. */
export function createBilling(scenario: X2Scenario, shedding: boolean): ServiceDefinition {
  const billing = new Billing(scenario, shedding);
  return {
    name: "billing",
    registry: billing.registry,
    state: () => billing.state(),
    control: {
      fault: (body) => billing.setFault(body),
      shedding: ({ on }) => {
        billing.shedding = toSwitch(on);
      },
    },
    handle: (request, response, url) => billing.handle(request, response, url),
  };
}

class Billing {
  readonly registry = new Registry();
  shedding: boolean;
  readonly #workers: Workers;
  readonly #ledger = new Ledger(KEYS);
  readonly #slowdown: number;
  // On the clock that all processes of a machine share.
  #faultSinceMs: number | null = null;

  constructor({ billing }: X2Scenario, shedding: boolean) {
    this.shedding = shedding;
    this.#slowdown = billing.slowdown;
    this.#workers = new Workers(billing, new SeededRandom(billing.seed), systemClock);
    this.#register();
  }

  setFault({ on, slowdown = this.#slowdown }: Record<string, unknown>): void {
    const broken = toSwitch(on);
    if (typeof slowdown !== "number" || !(slowdown >= 1 && slowdown <= SLOWDOWN_MAX)) {
      throw new RangeError(`slowdown must be from 1 to ${SLOWDOWN_MAX}, got ${slowdown}`);
    }
    this.#faultSinceMs = broken ? performance.timeOrigin + performance.now() : null;
    this.#workers.slowdown = broken ? slowdown : 1;
  }

  state(): object {
    return {
      ...this.#ledger.stats(),
      ...this.#workers.stats(),
      shedding: this.shedding,
      fault: this.#faultSinceMs !== null,
      faultSinceMs: this.#faultSinceMs,
      slowdown: this.#workers.slowdown,
    };
  }

  handle(request: IncomingMessage, response: ServerResponse, { pathname }: URL): void {
    if (pathname !== "/charges" || request.method !== "POST") {
      return sendText(response, 404, "try POST /charges\n");
    }
    const key = request.headers[IDEMPOTENCY_KEY];
    if (typeof key !== "string" || !/^[\x21-\x7e]{1,255}$/.test(key)) {
      return sendText(response, 400, "Idempotency-Key must be 1 to 255 visible characters\n");
    }
    const arrivedMs = performance.now();
    readJson(request)
      .then(readCharge)
      .then(
        (charge) => this.#charge(key, charge, this.#deadlineInMs(request, arrivedMs)),
        (error: Error) => ({ status: 400, text: error.message }),
      )
      .then(
        (answer) => this.#answer(response, answer),
        (error: unknown) => this.#answer(response, refusalOf(error)),
      );
  }

  // A header that cannot be read is as good as none: nothing is shed that somebody may wait for.
  #deadlineInMs(request: IncomingMessage, arrivedMs: number): number {
    const told = parseTimeoutMs(request.headers[TIMEOUT_MS_HEADER]?.toString());
    if (!this.shedding || !told?.valid) return Infinity;
    return told.timeoutMs - (performance.now() - arrivedMs);
  }

  #charge(key: string, charge: Charge, deadlineInMs: number): Promise<Entry> {
    const finish = () => this.#ledger.charge(key, charge, performance.now());
    return this.#workers.serve(finish, deadlineInMs);
  }

  #answer(response: ServerResponse, answer: Entry | Refusal): void {
    if (response.destroyed) return;
    if ("status" in answer) return sendText(response, answer.status, `${answer.text}\n`);
    switch (answer.outcome) {
      case "conflict":
        return sendText(response, 422, "this Idempotency-Key stands for another charge\n");
      case "full":
        return sendText(response, 503, "no room for another Idempotency-Key\n");
      case "repeated":
        response.setHeader("idempotent-replayed", "true");
    }
    sendJson(response, 200, answer.receipt);
  }

  #register(): void {
    const counters: [string, string, () => number][] = [
      ["charges", "Charges made.", () => this.#ledger.stats().charges],
      [
        "repeats",
        "Requests for a charge that had been made, answered with its receipt.",
        () => this.#ledger.stats().repeats,
      ],
      ["started", "Requests that a worker has begun.", () => this.#workers.stats().started],
      [
        "shed",
        "Requests not started because their deadline had passed.",
        () => this.#workers.stats().shed,
      ],
      [
        "refused",
        "Requests refused because the queue was full.",
        () => this.#workers.stats().refused,
      ],
    ];
    registerMetrics(this.registry, [
      ...counters.map(([name, help, read]) => ({
        name: `billing_${name}_total`,
        type: "counter" as const,
        help,
        collect: (emit: (value: number) => void) => emit(read()),
      })),
      {
        name: "billing_requests_waiting",
        type: "gauge",
        help: "Requests that wait for a worker.",
        collect: (emit) => emit(this.#workers.stats().waiting),
      },
    ]);
  }
}

interface Refusal {
  status: number;
  text: string;
}

function refusalOf(error: unknown): Refusal {
  if (!(error instanceof ResilienceError)) return { status: 500, text: String(error) };
  if (error.code === "DEADLINE_EXCEEDED") return { status: 504, text: "too late: nobody waits" };
  return { status: 503, text: "too many requests wait already" };
}

function readCharge({ episode, amountCents }: Record<string, unknown>): Charge {
  if (typeof episode !== "string" || !/^[\w-]{1,64}$/.test(episode)) {
    throw new TypeError("episode must be 1 to 64 letters, digits, - or _");
  }
  if (!Number.isInteger(amountCents) || !inRange(amountCents as number)) {
    throw new RangeError(`amountCents must be a whole number from 1 to ${CENTS_MAX}`);
  }
  return { episode, amountCents: amountCents as number };
}

function inRange(cents: number): boolean {
  return cents >= 1 && cents <= CENTS_MAX;
}

function toSwitch(on: unknown): boolean {
  if (typeof on === "boolean") return on;
  throw new TypeError(`on must be true or false, got ${on}`);
}
