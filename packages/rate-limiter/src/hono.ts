// A limit before the routes of a Hono app, as middleware.
//
//     app.use(rateLimit(limiter, { key: (c) => c.req.header("x-api-key") }));
//
// What is let through and refused is as in http.ts; what `key`, `cost` or the limiter throw goes to
// `app.onError`.
//
// Hono runs in many places, and each tells a client's address in its own way. The default key is
// what Node's adapter tells; elsewhere give a `key`, or every request fails and says so.
//
// On Node's adapter a request is over when its response is closed. Hono itself does not say: on
// other platforms it is over when its handler has returned, and a body that is still being streamed
// holds no place under a concurrency limit. A client that goes away while it waits for a turn is
// noticed wherever the platform aborts the request's own signal.
import type { ServerResponse } from "node:http";
import type { Context, MiddlewareHandler } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type AddressKeyOptions, addressKey, checkPrefixBits } from "./address-key.ts";
import { type Fields, fieldsOf } from "./response-fields.ts";
import { Gate, type Limiter } from "./serve.ts";
import { type HttpServeOptions, refusalFor, whenOver } from "./serve-node.ts";

export { type AddressKeyOptions, addressKey } from "./address-key.ts";
export type { Refusal } from "./refusal.ts";
export type { Limiter, ServeOptions } from "./serve.ts";
export type { HttpServeOptions } from "./serve-node.ts";

/** Options of {@link rateLimit}. */
export interface RateLimitOptions extends HttpServeOptions<Context>, AddressKeyOptions {}

/**
 * The middleware. Throws a TypeError for what is no limiter, a RangeError for options out of range.
 */
export function rateLimit(limiter: Limiter, options: RateLimitOptions = {}): MiddlewareHandler {
  const { ipv6PrefixBits = 64 } = options;
  checkPrefixBits(ipv6PrefixBits);
  const gate = new Gate<Context>(limiter, options, (c) => addressOf(c, { ipv6PrefixBits }));
  return async (c, next) => {
    const asked = gate.ask(c);
    const verdict = asked instanceof Promise ? await asked : asked;
    if (verdict.kind === "skip") return await next();
    const fields =
      verdict.kind === "bad-key" ? [] : fieldsOf(verdict.decision, verdict.rules, options);
    if (verdict.kind !== "pass") {
      append(c, fields);
      const { status, headers, body } = refusalFor(verdict, c, options);
      return c.body(body, status as ContentfulStatusCode, headers);
    }
    const outgoing = nodeOf(c)?.outgoing;
    const { end, decision } = verdict;
    if (end !== undefined && outgoing !== undefined) whenOver(outgoing, end);
    try {
      if (decision.delayMs > 0 && !(await hasTurn(gate.turn(decision, c.req.raw.signal)))) {
        end?.();
        return gone();
      }
      if (outgoing?.destroyed) {
        end?.();
        return gone();
      }
      await next();
      append(c, fields);
    } finally {
      if (outgoing === undefined) end?.(c.res.status);
    }
  };
}

// Nobody reads this; a log may. 499 is nginx's word for it.
const gone = () => new Response(null, { status: 499 });

const hasTurn = (turn: Promise<void>): Promise<boolean> =>
  turn.then(
    () => true,
    () => false,
  );

// On the response as it is: what a handler answers with would not take over what was set before.
function append(c: Context, fields: Fields): void {
  for (const [name, value] of fields) c.header(name, value, { append: true });
}

/** What Node's adapter puts into a context's `env`. */
interface NodeBindings {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } };
  readonly outgoing?: ServerResponse;
}

function nodeOf(c: Context): NodeBindings | undefined {
  return c.env as NodeBindings | undefined;
}

function addressOf(c: Context, options: AddressKeyOptions): string | undefined {
  const incoming = nodeOf(c)?.incoming;
  if (incoming === undefined) {
    throw new TypeError("rateLimit knows no client's address on this platform; give it a key");
  }
  const address = incoming.socket?.remoteAddress;
  return address === undefined ? undefined : addressKey(address, options);
}
