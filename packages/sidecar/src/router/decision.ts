// What is decided about a request, and by whom: the seam between an exchange, which carries it out,
// and a router, which knows a configuration.
import type { RequestHead, ResponseHead } from "../codec/codec.ts";
import type { HttpFilter } from "../filters/http-filter.ts";
import type { Timeout } from "./deadline-fields.ts";
import type { LocalReply } from "./local-reply.ts";
import type { RequestInfo } from "./request-info.ts";
import type { CallNumbers, CallPlan } from "./upstream-call.ts";

/** What becomes of a request. */
export type Decision =
  | { readonly kind: "reply"; readonly reply: LocalReply }
  | ({ readonly kind: "forward" } & ForwardPlan);

/** To upstream. */
export interface ForwardPlan extends CallPlan {
  readonly timeout: Timeout;
  readonly numbers: CallNumbers;
  /** Clusters that get a copy. */
  readonly mirrors: readonly CallPlan[];
  /** What is done to the head of upstream's response. */
  readonly finish: (head: ResponseHead) => void;
}

/** Who decides. */
export interface Decider {
  /** By the head alone: finds the route and writes it down, or refuses. */
  route(head: RequestHead, info: RequestInfo): LocalReply | undefined;
  /** How long the route that was found lets nothing move in either direction; 0: no bound. */
  idleTimeoutMs(info: RequestInfo): number;
  /** The filters of the route that was found. */
  filtersFor(info: RequestInfo): readonly HttpFilter[];
  /** After the filters. */
  decide(head: RequestHead, info: RequestInfo): Decision;
  /** What the route does to the head of each answer, before the filters see it. */
  edit(head: ResponseHead, info: RequestInfo): void;
  /** What the listener does to it, at the very end. */
  sign(head: ResponseHead): void;
}
