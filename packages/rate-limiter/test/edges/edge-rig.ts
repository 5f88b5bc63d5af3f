// What the contract of the HTTP edges is run with: a server of some framework with limits before a
// handler, and a clock that stands still until it is moved.
import { connect } from "node:net";
import { type Decision, RateLimiter, type Rule } from "@compendium/rate-limiter";
import type { Limiter, Refusal } from "@compendium/rate-limiter/http";
import { ManualClock } from "@compendium/runtime";
import type { TestServer } from "./servers.ts";

/** What a handler can see and do, in every framework. */
export interface TestExchange {
  /** A request header. */
  header(name: string): string | undefined;
}

/** Answers "/"; `{ status }` for other than 200. */
export type TestHandler = (exchange: TestExchange) => TestAnswer | Promise<TestAnswer>;
type TestAnswer = string | { status: number };

/** Options that the suite sets; requests are seen through {@link TestExchange}. */
export interface TestOptions {
  key?: (exchange: TestExchange) => string | undefined;
  cost?: number | ((exchange: TestExchange) => number);
  skip?: (exchange: TestExchange) => boolean;
  rules?: (exchange: TestExchange) => Rule | readonly Rule[] | undefined;
  refundIf?: (status: number) => boolean;
  refuse?: (refusal: Refusal) => Refusal;
  onDecision?: (decision: Decision) => void;
  onError?: (error: unknown) => boolean;
  delayMsMax?: number;
  waitingMax?: number;
  standardFields?: boolean;
  legacyFields?: boolean;
  clock?: ManualClock;
}

/** Starts a server of some framework, with a handler behind limits, outermost first. */
export type MakeServer = (
  limits: readonly (readonly [limiter: Limiter, options: TestOptions])[],
  handler: TestHandler,
) => Promise<TestServer>;

/** The suite's options, for a framework's own requests. */
export function optionsFor<R>(options: TestOptions, seen: (request: R) => TestExchange) {
  const { key, cost, skip, rules, ...others } = options;
  return {
    ...others,
    ...(key && { key: (request: R) => key(seen(request)) }),
    ...(cost !== undefined && {
      cost: typeof cost === "function" ? (request: R) => cost(seen(request)) : cost,
    }),
    ...(skip && { skip: (request: R) => skip(seen(request)) }),
    ...(rules && { rules: (request: R) => rules(seen(request)) }),
  };
}

/** One server at a time, what was fetched from it, and its time. */
export class Rig {
  readonly clock = new ManualClock({ nowMs: 5_000 });
  readonly #make: MakeServer;
  readonly #fetched: Response[] = [];
  #server: TestServer | undefined;

  constructor(make: MakeServer) {
    this.#make = make;
  }

  get url(): string {
    return this.#server?.url ?? "";
  }

  limiter(rules: Rule | readonly Rule[], options = {}): RateLimiter {
    return new RateLimiter(rules, { clock: this.clock, ...options });
  }

  async start(
    limiter: Limiter | readonly (readonly [Limiter, TestOptions])[],
    options: TestOptions = {},
    handler: TestHandler = () => "fine",
  ): Promise<void> {
    const limits = Array.isArray(limiter) ? limiter : [[limiter, options]];
    this.#server = await this.#make(
      limits.map(([limiter, options]) => [limiter, { clock: this.clock, ...options }]),
      handler,
    );
  }

  async get(headers: Record<string, string> = {}): Promise<Response> {
    const response = await fetch(this.url, { headers: { connection: "close", ...headers } });
    this.#fetched.push(response);
    return response;
  }

  async statuses(count: number, headers: Record<string, string> = {}): Promise<number[]> {
    const statuses: number[] = [];
    for (let i = 0; i < count; i++) statuses.push((await this.get(headers)).status);
    return statuses;
  }

  /** A client that can hang up. */
  socket() {
    const socket = connect(Number(new URL(this.url).port), "127.0.0.1");
    socket.on("error", () => {});
    socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    return socket;
  }

  // Hangs, and so fails, if a socket is left.
  async stop(): Promise<void> {
    await Promise.all(this.#fetched.splice(0).map((each) => each.bodyUsed || each.arrayBuffer()));
    await this.#server?.drained();
    await this.#server?.[Symbol.asyncDispose]();
    this.#server = undefined;
  }
}

/** Counts by a header. */
export const byUser = (exchange: TestExchange) => exchange.header("x-user");

/** A limiter that answers later, as one with a store does. */
export function distant(limiter: RateLimiter): Limiter {
  return {
    name: limiter.name,
    rules: limiter.rules,
    take: async (key, cost) => limiter.take(key, cost),
    refund: async (key, cost) => limiter.refund(key, cost),
    release: async (key, lease) => limiter.release(key, lease),
  };
}
