// The edge's first question, before a request takes a place or costs anybody anything: has whoever
// asks had his share? Whoever has is answered 429, with the time after which to try again, in a few
// microseconds; that is what makes a flood bearable.
import type { ServerResponse } from "node:http";
import type { Decision } from "@compendium/rate-limiter";
import { sendText } from "./http.ts";
import type { Limiter, Limits } from "./limits.ts";

/** What the edge's `GET /control` says of its limits. */
export interface LimitsState {
  /** Whether workspaces are limited. */
  on: boolean;
  /** Decisions of each limiter, by outcome. */
  decisions: Record<"workspace" | "signIn" | "invite", Readonly<Record<string, number>>>;
}

/** Lets a request go on, or answers it. */
export class LimitGate {
  #on = true;
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  state(): LimitsState {
    const { workspace, signIn, invite } = this.#limits;
    return {
      on: this.#on,
      decisions: {
        workspace: workspace.stats().decisions,
        signIn: signIn.stats().decisions,
        invite: invite.stats().decisions,
      },
    };
  }

  /** Switches the limit of workspaces; mails are always limited. */
  switch(on: boolean): void {
    this.#on = on;
  }

  /** Calls `go` unless the workspace is over its limit. */
  workspace(workspace: string, response: ServerResponse, go: () => void): void {
    if (!this.#on) return go();
    this.#ask(this.#limits.workspace, workspace, response, go);
  }

  /** Calls `go` unless enough has been sent to the address. */
  signIn(address: string, response: ServerResponse, go: () => void): void {
    this.#ask(this.#limits.signIn, address, response, go);
  }

  /** Calls `go` unless the workspace has invited enough. */
  invite(workspace: string, response: ServerResponse, go: () => void): void {
    this.#ask(this.#limits.invite, workspace, response, go);
  }

  #ask(limiter: Limiter, key: string, response: ServerResponse, go: () => void): void {
    const answer = (decision: Decision) => {
      if (response.destroyed) return;
      if (decision.allowed) return go();
      refuse(limiter, decision, response);
    };
    const decided = limiter.take(key);
    // In this turn, where the count is kept in this process.
    if ("then" in decided) decided.then(answer);
    else answer(decided);
  }
}

function refuse(limiter: Limiter, decision: Decision, response: ServerResponse): void {
  const seconds = Math.max(1, Math.ceil(decision.retryAfterMs / 1_000));
  if (Number.isFinite(seconds)) response.setHeader("retry-after", seconds);
  sendText(response, 429, `too many requests (${limiter.name}); try again in ${seconds} s\n`);
}
