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
  /** Puts a stage into the response's way, asked when the head comes; `next` is what follows. */
  transform(make: (next: ResponseSink, head: ResponseHead) => ResponseSink): void;
  /** Nothing more happens to the request. Once. */
  onEnd(visit: (info: RequestInfo) => void): void;
}

/** Where a response goes: a stage of its way, or the client. */
export interface ResponseSink {
  sendHead(head: ResponseHead, end: boolean): void;
  /** Whether more may be given now; if not, `onWritable` follows. */
  sendData(chunk: Uint8Array, end: boolean): boolean;
  sendTrailers(fields: Fields): void;
  /** What follows takes more now: a stage that holds nothing back passes it on as it is. */
  onWritable?(): void;
  /** The response is over before its end: what is held is let go. */
  abort?(): void;
}

/** One filter, for all requests of a filter chain, or of a route that has it otherwise. */
export interface HttpFilter {
  /** Asked once for each request. */
  onRequest(request: FilteredRequest): Verdict;
}
