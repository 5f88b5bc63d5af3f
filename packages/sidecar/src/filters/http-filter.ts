// HTTP filters: what a request passes between its route and its host. A filter is asked once, about
// the head, and answers with a verdict; whatever it wants to do later (change the response's head,
// its body, count the end) it says there as well. So most filters are one small function, and a
// request pays for those that take part in it and no others.
//
//     client ──▶ [ rbac ] ─▶ [ rate limit ] ─▶ [ fault ] ─▶ router ──▶ upstream
//                   │ reply      │ reply          │ wait
//                   ▼            ▼                ▼
//     client ◀── response heads and bodies pass the same filters backwards ◀── upstream
import type { RequestHead, ResponseHead } from "../codec/codec.ts";
import type { Fields } from "../codec/fields.ts";
import type { HttpFilterConfig } from "../config/filter-config.ts";
import type { LocalReply } from "../router/local-reply.ts";
import type { RequestInfo } from "../router/request-info.ts";

/** What a filter makes of a request; `undefined` lets it go on. */
export type Verdict =
  | undefined
  /** An answer from here. */
  | { readonly kind: "reply"; readonly reply: LocalReply }
  /** Goes on when all of the body has come; a larger one is answered 413. */
  | { readonly kind: "collect"; readonly bytesMax: number }
  /** Goes on when `resume` is called, at most once; disposing calls that off. */
  | { readonly kind: "wait"; readonly start: (resume: (verdict: Verdict) => void) => Disposable };

/** A request on its way through the filters. */
export interface FilteredRequest {
  /** May be changed: what follows sees the change. */
  readonly head: RequestHead;
  /** Whether a body follows. */
  readonly hasBody: boolean;
  readonly info: RequestInfo;
  /** Sees, and may change, the head of the response, wherever it comes from. */
  onResponse(visit: (head: ResponseHead) => void): void;
  /** Puts a stage into the response's way; it is made when the response's head comes. */
  transform(make: MakeStage): void;
  /** Nothing more happens to the request. Once. */
  onEnd(visit: (info: RequestInfo) => void): void;
}

/** Where a response goes: a stage of its way, or the client. */
export interface ResponseSink {
  sendHead(head: ResponseHead, end: boolean): void;
  /** Whether more may be given now; if not, the giver is told when. */
  sendData(chunk: Uint8Array, end: boolean): boolean;
  sendTrailers(fields: Fields): void;
}

/** A sink that gives what it takes, changed, to the next one. */
export interface ResponseStage extends ResponseSink {
  /** The next one takes more again; whether this stage does so too. */
  onWritable(): boolean;
  /** The response is over before its end: what is held is let go, and nothing is sent. */
  abort(): void;
}

/**
 * Makes a stage for a response with this head, before the head is sent; `undefined` where it has
 * nothing to do. A stage that has answered `sendData` with false, and then takes more by itself,
 * calls `onReady`.
 */
export type MakeStage = (
  next: ResponseSink,
  head: ResponseHead,
  onReady: () => void,
) => ResponseStage | undefined;

/** One filter, for all requests of a filter chain, or of a route that has it otherwise. */
export interface HttpFilter {
  readonly kind: HttpFilterConfig["kind"];
  /** As the configuration calls it. */
  readonly name: string;
  /** Plain numbers, for metrics: counters, and how many there are now. */
  readonly numbers?: Readonly<Record<string, number>>;
  /** Asked once for each request. */
  onRequest(request: FilteredRequest): Verdict;
}
