// Those who look on: access logs, metrics, traces. They are told of each request at three moments
// and change nothing of its way; the second may add to what is sent on (a trace context).
import type { RequestHead } from "../codec/codec.ts";
import type { RequestInfo } from "./request-info.ts";

/** Somebody who looks on. What it throws would end the process: it must not throw. */
export interface RequestObserver {
  /** The head has come, and its route is known if there is one. */
  onBegin?(info: RequestInfo): void;
  /** An attempt is about to send this head; a second one is a retry. */
  onForward?(info: RequestInfo, head: RequestHead): void;
  /** Nothing more happens to it, in either direction. Once. */
  onEnd(info: RequestInfo): void;
}
