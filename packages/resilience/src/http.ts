// A pipeline around a handler of node:http.
//
//     createServer(resilientHandler(pipeline(bulkhead({ concurrencyMax: 100 })), handler))
//
// The client's deadline, where it sent one, is the call's: work that is too late is answered 504
// without being started, and given up when its time has come. What a policy refuses is answered
// with 429, 503 or 504, and Retry-After (refusal.ts). A client that goes away aborts the call: the
// handler may look at `call.signal`, pass it on, or ask `call.aborted` before the expensive part.
//
// A request is over, and its place in a bulkhead free, when the handler's promise has settled *and*
// the response is closed; a client that reads slowly is work as well. A handler without a promise
// is over when its response is.
//
// Left out: judging responses (an error answered by the handler itself is an answer), request
// bodies (node:http reads on, or hangs up, by its own rules), and upgrades.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Call } from "./call.ts";
import type { Pipeline } from "./pipeline.ts";
import { type Problem, problemOf } from "./refusal.ts";
import { Reader, type ServeOptions } from "./serve.ts";
import { serveNode } from "./serve-node.ts";

export { formatRetryAfter } from "./headers.ts";
export { type Problem, problemOf } from "./refusal.ts";
export type { ServeOptions } from "./serve.ts";

/** Handles one request, within a call. */
export type CallHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  call: Call,
) => unknown;

/** Options of {@link resilientHandler}. */
export interface ResilientHandlerOptions extends ServeOptions<IncomingMessage> {
  /** Told of what the handler threw that no policy decided, once each; the client sees a 500. */
  onError?: (error: unknown, request: IncomingMessage) => void;
}

const INTERNAL: Problem = {
  status: 500,
  headers: { "content-type": "application/problem+json" },
  body: JSON.stringify({ status: 500, title: "internal error" }),
};

/**
 * A listener for `createServer`. It never throws and leaves no request without an answer. Throws a
 * TypeError for a pipeline that cannot work in a server, a RangeError for options out of range.
 */
export function resilientHandler(
  pipeline: Pipeline,
  handler: CallHandler,
  options: ResilientHandlerOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  const reader = new Reader(pipeline, "a node:http server", options);
  return (request, response) => {
    const work = (call: Call) => handler(request, response, call);
    serveNode(pipeline, reader, { request, response, subject: request }, work).catch((error) => {
      if (error === undefined || response.destroyed) return;
      const problem = problemOf(error);
      answer(response, problem ?? INTERNAL);
      if (problem === undefined) options.onError?.(error, request);
    });
  };
}

// What has begun can only be cut off: an end that looks whole would pass for a whole answer.
function answer(response: ServerResponse, { status, headers, body }: Problem): void {
  if (response.headersSent) return void response.destroy();
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.writeHead(status, headers).end(body);
  mute(response);
}

// The handler may still be at work, and does not know that its client has been answered. Without
// this its next setHeader throws, in a callback that nobody guards, and ends the process.
function mute(response: ServerResponse): void {
  const self = () => response;
  const ignored = { setHeader: self, appendHeader: self, removeHeader: self, writeHead: self };
  Object.assign(response, ignored, { write: () => true, end: self, flushHeaders: self });
}
