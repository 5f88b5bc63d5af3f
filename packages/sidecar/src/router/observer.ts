// Those who look on: access logs, metrics, traces. They are told of each request when it begins and
// ends, and of each attempt to send it on, and change nothing of its way; but for what `onForward`
// adds to what is sent on (a trace context).
import type { RequestHead } from "../codec/codec.ts";
import type { RequestInfo } from "./request-info.ts";

/** How an attempt came to its end. */
export interface AttemptEnd {
  /** Of its response, if its head has come. */
  readonly status: number | undefined;
  /** Why nobody has all of an answer; `undefined` when somebody has, or did not want the rest. */
  readonly failure: "cancelled" | "timed-out" | "failed" | undefined;
}

/** Somebody who looks on. What it throws would end the process: it must not throw. */
export interface RequestObserver {
  /** The head has come, and its route is known if there is one. */
  onBegin?(info: RequestInfo): void;
  /** An attempt is about to send this head; a second one is a retry, or runs beside the first. */
  onForward?(info: RequestInfo, head: RequestHead): void;
  /** The attempt that sent this head is over. Once for each, and before `onEnd`. */
  onAttemptEnd?(info: RequestInfo, head: RequestHead, end: AttemptEnd): void;
  /** Nothing more happens to it, in either direction. Once. */
  onEnd(info: RequestInfo): void;
}
