// A limit before the routes of a Fastify server, as a plugin, or as a hook of one route.
//
//     await app.register(rateLimit, { limiter });
//     app.post("/sign-in", { preHandler: rateLimitHook(strict, { key: userOf }) }, signIn);
//
// The plugin asks in `onRequest`, before a body is read. It holds for the scope that registers it,
// and for the routes that come after it, requests that no route takes included. Where a key is only
// known later, after authentication or parsing, take `rateLimitHook` as a hook of that time.
//
// What is let through, refused, waited for and given back is as in http.ts. A refusal is an answer
// and no error; throw one in `refuse`, and your error handler gets it. The default key is
// `request.ip`, which heeds Fastify's own `trustProxy`.
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from "fastify";
import { type AddressKeyOptions, addressKey, checkPrefixBits } from "./address-key.ts";
import { Gate, type Limiter } from "./serve.ts";
import { enter, type HttpServeOptions } from "./serve-node.ts";

export { type AddressKeyOptions, addressKey } from "./address-key.ts";
export type { Refusal } from "./refusal.ts";
export type { Limiter, ServeOptions } from "./serve.ts";
export type { HttpServeOptions } from "./serve-node.ts";

/** Options of {@link rateLimitHook}. */
export interface RateLimitHookOptions extends HttpServeOptions<FastifyRequest>, AddressKeyOptions {}

/** Options of {@link rateLimit}. */
export interface RateLimitPluginOptions extends RateLimitHookOptions {
  /** What is asked about every request. */
  limiter: Limiter;
}

/** A hook of any time from `onRequest` to `preHandler`. */
export type RateLimitHook = (
  request: FastifyRequest,
  reply: FastifyReply,
  done: (error?: Error) => void,
) => void;

/**
 * A limit as a hook. Throws a TypeError for what is no limiter, a RangeError for options out of
 * range.
 */
export function rateLimitHook(limiter: Limiter, options: RateLimitHookOptions = {}): RateLimitHook {
  const { ipv6PrefixBits = 64 } = options;
  checkPrefixBits(ipv6PrefixBits);
  const gate = new Gate<FastifyRequest>(limiter, options, ({ ip }) =>
    ip === undefined || ip === "" ? undefined : addressKey(ip, { ipv6PrefixBits }),
  );
  return (request, reply, done) => {
    const exchange = { gate, request, response: reply.raw, options };
    enter(exchange, {
      pass: () => done(),
      refuse: ({ status, headers, body }) => void reply.code(status).headers(headers).send(body),
      fail: (error) => done(error as Error),
      // Nobody is left to be answered; the request stays where it is.
      gone: () => void reply.hijack(),
    });
  };
}

/** The plugin. Registering it fails as {@link rateLimitHook} throws. */
export const rateLimit: FastifyPluginCallback<RateLimitPluginOptions> = (app, options, done) => {
  try {
    app.addHook("onRequest", rateLimitHook(options.limiter, options));
  } catch (error) {
    return done(error as Error);
  }
  done();
};

// Fastify gives each plugin a scope of its own, unless it says that it speaks for its parent's.
Object.assign(rateLimit, {
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "rate-limit",
});
