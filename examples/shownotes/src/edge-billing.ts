// The edge's hop to billing: charged once, whatever happens on the way.
//
//     checkout ─▶ bulkhead ─▶ retry ─▶ opossum ─▶ timeout ─▶ POST /charges   Idempotency-Key
//                              │ budget                                      time left, in ms
//
// Every attempt carries the same key, so it is safe to ask again when no answer came; and how long
// this attempt will still be waited for, so that billing need not start what nobody waits for. The
// bulkhead keeps checkouts in a compartment of their own: they never take the places of the notes.
import { createHash, randomUUID } from "node:crypto";
import {
  Agent,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { instrument } from "@compendium/circuit-breaker/instrument";
import {
  type Call,
  encodeTimeoutMs,
  type Pipeline,
  pipeline,
  TIMEOUT_MS_HEADER,
} from "@compendium/resilience";
import { registerResilience } from "@compendium/resilience/metrics";
import type { Registry } from "prom-client";
import { BillingError, billingPolicies, isClientError, StockBreaker } from "./billing-policies.ts";
import type { Billing } from "./command-line.ts";
import type { SeatsClient } from "./edge-seats.ts";
import { readJson, readText, sendJson, sendText } from "./http.ts";
import { IDEMPOTENCY_KEY, type Receipt } from "./ledger.ts";
import { RegistryError } from "./registry-client.ts";
import { RETRIES, type Retries, type X2Scenario, scenario as x2 } from "./x2-scenario.ts";

const SEAT_CENTS = 900;
const SEATS_MAX = 100;

/** What the edge's `GET /control` says of the hop. */
export interface BillingHopState {
  retries: Retries;
  breaker: string;
  checkouts: number;
  attempts: number;
}

/** Charges for seats, by way of the billing service. */
export class BillingClient {
  readonly #url: URL;
  readonly #scenario: X2Scenario;
  readonly #registry: Registry;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  readonly #breaker: StockBreaker;
  readonly #instrument: ReturnType<typeof instrument>;
  #hop: Hop;
  #checkouts = 0;
  #attempts = 0;

  constructor(options: Billing, registry: Registry, scenario: X2Scenario = x2) {
    this.#url = new URL("/charges", options.url);
    this.#scenario = scenario;
    this.#registry = registry;
    this.#breaker = new StockBreaker(scenario, options.breaker);
    this.#instrument = instrument(this.#breaker.stock, registry);
    this.#hop = this.#build(options.retries);
  }

  state(): BillingHopState {
    return {
      retries: this.#hop.retries,
      breaker: this.#instrument.state,
      checkouts: this.#checkouts,
      attempts: this.#attempts,
    };
  }

  /** `POST /control/billing`: `retries`, `breaker`, or both. */
  control({ retries = this.#hop.retries, breaker }: Record<string, unknown>): void {
    if (!isRetries(retries)) {
      throw new RangeError(`retries must be one of ${RETRIES.join(", ")}, got ${retries}`);
    }
    if (breaker !== undefined && typeof breaker !== "boolean") {
      throw new TypeError(`breaker must be true or false, got ${breaker}`);
    }
    if (breaker !== undefined) this.#breaker.enable(breaker);
    if (retries === this.#hop.retries) return;
    this.#hop.shown[Symbol.dispose]();
    this.#hop = this.#build(retries);
  }

  /**
   * Answers `POST /episodes/…/checkout`, and, where `seats` counts what was paid for, `POST
   * /workspaces/…/checkout`.
   */
  handle(
    what: string,
    request: IncomingMessage,
    response: ServerResponse,
    seats?: SeatsClient,
  ): void {
    const count = async (key: string, receipt: Receipt, count: number) => {
      return seats === undefined ? {} : await countSeats(seats, what, { key, receipt, count });
    };
    readJson(request)
      .then(readSeats)
      .then(
        (wanted) => this.#checkOut({ what, wanted, count }, request, response),
        (error: Error) => sendText(response, 400, `${error.message}\n`),
      );
  }

  async #checkOut(
    { what, wanted, count }: Checkout,
    { headers }: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    this.#checkouts++;
    // A caller who may ask again brings a key. For one who brings none, at least our own
    // repetitions are one charge.
    const key = headers[IDEMPOTENCY_KEY]?.toString() ?? randomUUID();
    const body = JSON.stringify({ episode: what, amountCents: wanted * SEAT_CENTS });
    const leaving = new AbortController();
    response.on("close", () => leaving.abort());
    try {
      const receipt = await this.#hop.pipeline.call((call) => this.#attempt(key, body, call), {
        signal: leaving.signal,
        idempotent: true,
      });
      sendJson(response, 200, { ...receipt, ...(await count(key, receipt, wanted)) });
    } catch (error) {
      if (response.destroyed) return;
      const { status, text } = answerFor(error);
      sendText(response, status, `${text}\n`);
    }
  }

  #attempt(key: string, body: string, call: Call): Promise<Receipt> {
    this.#attempts++;
    const headers: Record<string, string> = {
      "content-type": "application/json",
      [IDEMPOTENCY_KEY]: key,
    };
    const leftMs = encodeTimeoutMs(call.remainingMs());
    if (leftMs !== undefined) headers[TIMEOUT_MS_HEADER] = leftMs;
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => reject(new BillingError(0, error.message));
      const options = { method: "POST", headers, agent: this.#agent, signal: call.signal };
      httpRequest(this.#url, options, (response) => {
        readText(response)
          .then((text) => {
            if (response.statusCode === 200) resolve(JSON.parse(text) as Receipt);
            else reject(new BillingError(response.statusCode ?? 0, text.trim()));
          })
          // What came was cut off, or no JSON.
          .catch(fail);
      })
        .on("error", fail)
        .end(body);
    });
  }

  #build(retries: Retries): Hop {
    const { budget, outer, inner } = billingPolicies(this.#scenario, retries);
    const built = pipeline(...outer, this.#breaker, ...inner);
    const named = { billing: built, ...(budget && { "billing-budget": budget }) };
    const shown = registerResilience(this.#registry, named);
    return { retries, pipeline: built, shown };
  }
}

interface Checkout {
  what: string;
  wanted: number;
  count(key: string, receipt: Receipt, wanted: number): Promise<object>;
}

// Charged, but not counted: whoever asks again with the same key is not charged twice, and then it
// is counted, once for each charge.
async function countSeats(
  seats: SeatsClient,
  workspace: string,
  { key, receipt, count }: { key: string; receipt: Receipt; count: number },
): Promise<{ seatsPaid: number }> {
  // A billing service that was restarted begins anew with its numbers.
  const charge = createHash("sha256").update(`${key} ${receipt.chargeId}`).digest("hex");
  const { ok, paid = 0 } = await seats.pay(workspace, charge, count);
  if (!ok) throw new BillingError(409, "charged, but the registry has no room to count it");
  return { seatsPaid: paid };
}

interface Hop {
  retries: Retries;
  pipeline: Pipeline;
  shown: Disposable;
}

function answerFor(error: unknown): { status: number; text: string } {
  if (error instanceof BillingError) {
    const status = isClientError(error.status) ? error.status : 502;
    return { status, text: error.message };
  }
  if (error instanceof RegistryError) {
    return { status: 503, text: "charged, but not counted yet: ask again with the same key" };
  }
  const { code, message } = error as Error & { code?: unknown };
  if (code === "TIMEOUT") return { status: 504, text: "billing did not answer in time" };
  if (code === "BULKHEAD_FULL" || code === "EOPENBREAKER") {
    return { status: 503, text: "billing is not asked just now; try again later" };
  }
  return { status: 500, text: message };
}

function readSeats({ seats = 1 }: Record<string, unknown>): number {
  if (Number.isInteger(seats) && (seats as number) >= 1 && (seats as number) <= SEATS_MAX) {
    return seats as number;
  }
  throw new RangeError(`seats must be a whole number from 1 to ${SEATS_MAX}`);
}

function isRetries(value: unknown): value is Retries {
  return RETRIES.includes(value as Retries);
}
