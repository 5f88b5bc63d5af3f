// The edge's first question, before a request takes a place or costs anybody anything: has whoever
// asks had his share? Whoever has is answered 429, with Retry-After and the RateLimit fields, in
// microseconds; that is what makes a flood bearable.
import type { IncomingMessage, ServerResponse } from "node:http";
import { OUTCOMES, type Outcome } from "@compendium/rate-limiter";
import { type Middleware, rateLimit } from "@compendium/rate-limiter/http";
import { sendText } from "./http.ts";
import type { Limiter, Limits } from "./limits.ts";

/** What a limiter has decided here. */
export interface LimitCounts {
  allowed: number;
  refused: number;
  /** Of both, what was decided by this edge because Redis did not answer. */
  withoutStore: number;
}

/** What the edge's `GET /control` says of its limits. */
export interface LimitsState {
  /** Whether workspaces are limited. */
  on: boolean;
  workspace: LimitCounts;
  signIn: LimitCounts;
  invite: LimitCounts;
}

// All others refuse.
const ALLOWING: readonly Outcome[] = ["allowed", "store-open", "store-local-allowed"];

// A request, and whose limit it comes under.
interface Keyed extends IncomingMessage {
  limitKey?: string;
}

/** Lets a request go on, or answers it. */
export class LimitGate {
  #on = true;
  readonly #limits: Limits;
  readonly #workspace: Middleware<Keyed>;
  readonly #signIn: Middleware<Keyed>;
  readonly #invite: Middleware<Keyed>;

  constructor(limits: Limits) {
    this.#limits = limits;
    const keyed = (limiter: Limiter, skip = () => false) =>
      rateLimit<Keyed>(limiter, { key: ({ limitKey }) => limitKey, skip });
    this.#workspace = keyed(limits.workspace, () => !this.#on);
    this.#signIn = keyed(limits.signIn);
    this.#invite = keyed(limits.invite);
  }

  state(): LimitsState {
    const { workspace, signIn, invite } = this.#limits;
    return {
      on: this.#on,
      workspace: countsOf(workspace),
      signIn: countsOf(signIn),
      invite: countsOf(invite),
    };
  }

  /** Switches the limit of workspaces; mails are always limited. */
  switch(on: boolean): void {
    this.#on = on;
  }

  /** Calls `go` unless the workspace is over its limit. */
  workspace(key: string, request: IncomingMessage, response: ServerResponse, go: Go): void {
    pass(this.#workspace, key, request, response, go);
  }

  /** Calls `go` unless enough has been sent to the address. */
  signIn(key: string, request: IncomingMessage, response: ServerResponse, go: Go): void {
    pass(this.#signIn, key, request, response, go);
  }

  /** Calls `go` unless the workspace has invited enough. */
  invite(key: string, request: IncomingMessage, response: ServerResponse, go: Go): void {
    pass(this.#invite, key, request, response, go);
  }
}

type Go = () => void;

function countsOf(limiter: Limiter): LimitCounts {
  const { decisions } = limiter.stats();
  const counts = { allowed: 0, refused: 0, withoutStore: 0 };
  for (const outcome of OUTCOMES) {
    counts[ALLOWING.includes(outcome) ? "allowed" : "refused"] += decisions[outcome];
    if (outcome.startsWith("store-")) counts.withoutStore += decisions[outcome];
  }
  return counts;
}

function pass(
  limit: Middleware<Keyed>,
  limitKey: string,
  request: IncomingMessage,
  response: ServerResponse,
  go: Go,
): void {
  limit(Object.assign(request, { limitKey }), response, (error) => {
    if (error === undefined) go();
    else sendText(response, 500, `${error}\n`);
  });
}
