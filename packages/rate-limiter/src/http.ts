// A limit before the handlers of a node:http server, of Express, or of anything that takes
// middleware of the form (request, response, next).
//
//     app.use(rateLimit(limiter, { key: (request) => request.headers["x-api-key"]?.toString() }));
//     createServer(limitedHandler(limiter, (request, response) => response.end("hello")));
//
// What is let through carries the RateLimit fields (response-fields.ts); what is not is answered
// with 429, Retry-After and a problem detail (refusal.ts). A turn in a leaky bucket's queue is
// waited for; if the client goes away meanwhile, its handler is not called. A place under a
// concurrency limit is free again when the response is closed.
//
// Who is who? By default `request.ip`, where a framework has set it (Express does, and heeds its
// "trust proxy"), else the address of the socket: behind a proxy that is the proxy, and all its
// clients share one limit. A header as a key is the client's own word: one that is empty, longer
// than 1,024 characters or no well-formed text is answered 400, and nothing is charged.
//
// Left out: bodies (node:http reads on, or hangs up, by its own rules), and upgrades.
import type { IncomingMessage, ServerResponse } from "node:http";
import { type AddressKeyOptions, addressKey, checkPrefixBits } from "./address-key.ts";
import type { Refusal } from "./refusal.ts";
import { Gate, type Limiter } from "./serve.ts";
import { enter, type HttpServeOptions } from "./serve-node.ts";

export { type AddressKeyOptions, addressKey } from "./address-key.ts";
export type { Refusal } from "./refusal.ts";
export type { Limiter, ServeOptions } from "./serve.ts";
export type { HttpServeOptions } from "./serve-node.ts";

/** Options of {@link rateLimit} and {@link limitedHandler}. */
export interface RateLimitOptions<R extends IncomingMessage = IncomingMessage>
  extends HttpServeOptions<R>,
    AddressKeyOptions {}

/** Middleware as connect and Express have it. */
export type Middleware<R extends IncomingMessage = IncomingMessage> = (
  request: R,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * The middleware. Throws a TypeError for what is no limiter, a RangeError for options out of range.
 */
export function rateLimit<R extends IncomingMessage = IncomingMessage>(
  limiter: Limiter,
  options: RateLimitOptions<R> = {},
): Middleware<R> {
  const { ipv6PrefixBits = 64 } = options;
  checkPrefixBits(ipv6PrefixBits);
  const gate = new Gate<R>(limiter, options, (request) => addressOf(request, { ipv6PrefixBits }));
  return (request, response, next) => {
    const exchange = { gate, request, response, options };
    enter(exchange, {
      pass: () => next(),
      refuse: (refusal) => answer(response, refusal),
      fail: next,
      gone: () => {},
    });
  };
}

/**
 * A listener for `createServer`: the handler, behind the limit. What `key`, `cost` or the limiter
 * throw is answered 500, unless `onError` lets the request through. Throws as {@link rateLimit}.
 */
export function limitedHandler(
  limiter: Limiter,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  options: RateLimitOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  const limit = rateLimit(limiter, options);
  return (request, response) => {
    limit(request, response, (error) => {
      if (error === undefined) handler(request, response);
      else answer(response, INTERNAL);
    });
  };
}

const INTERNAL: Refusal = {
  status: 500,
  headers: { "content-type": "application/problem+json" },
  body: JSON.stringify({ title: "Internal Server Error", status: 500 }),
  decision: undefined,
};

function answer(response: ServerResponse, { status, headers, body }: Refusal): void {
  response.writeHead(status, headers).end(body);
}

// A UNIX socket has no address; all its clients share one limit.
function addressOf(request: IncomingMessage, options: AddressKeyOptions): string | undefined {
  const { ip } = request as { ip?: unknown };
  const address = typeof ip === "string" && ip !== "" ? ip : request.socket.remoteAddress;
  return address === undefined ? undefined : addressKey(address, options);
}
