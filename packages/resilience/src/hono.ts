// A pipeline around every request of a Hono app, as middleware.
//
//     app.use(resilience(pipeline(bulkhead({ concurrencyMax: 100 }))));
//     app.get("/", (c) => work(c.get("call").signal));
//
// What a policy refuses is answered with 429, 503 or 504, Retry-After and a problem detail
// (refusal.ts); so is a refusal that a handler throws, of a breaker further down for example,
// where `app.onError` made a 5xx of it. Other errors stay with `app.onError`, and the pipeline sees
// those that became a 5xx as failures. Deadlines are treated as in http.ts.
//
// A client that goes away aborts the call wherever the platform tells the request's own signal,
// as Node's adapter and the edge runtimes do.
//
// A request is over when its handler has returned: Hono does not say when a response was sent, so
// a streamed body is not counted.
import type { Context, MiddlewareHandler } from "hono";
import type { Call } from "./call.ts";
import type { Pipeline } from "./pipeline.ts";
import { problemOf } from "./refusal.ts";
import { clientGone, Reader, type ServeOptions } from "./serve.ts";

export { type Problem, problemOf } from "./refusal.ts";
export type { ServeOptions } from "./serve.ts";

/** What the middleware adds to a context. */
export interface ResilienceEnv {
  /** Hono's name for what `c.get` finds. */
  Variables: {
    /** The call in which the request is handled: its deadline, and its signal. */
    call: Call;
  };
}

/**
 * The middleware. Throws a TypeError for a pipeline that cannot work in a server, a RangeError for
 * options out of range.
 */
export function resilience(
  pipeline: Pipeline,
  options: ServeOptions<Context> = {},
): MiddlewareHandler<ResilienceEnv> {
  const reader = new Reader(pipeline, "a Hono app", options);
  return async (c, next) => {
    const gone = new AbortController();
    // Each platform has a reason of its own, not always an error.
    const abort = () => gone.abort(clientGone());
    const { signal } = c.req.raw;
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    const header = reader.deadlineHeader && c.req.header(reader.deadlineHeader);
    try {
      await pipeline.call(
        async (call) => {
          c.set("call", call);
          await next();
          // Hono has answered it already, with app.onError; but the pipeline should hear of it,
          // unless it was the client's own fault.
          if (c.error !== undefined && c.res.status >= 500) throw c.error;
        },
        reader.read(c, header, gone.signal),
      );
    } catch (error) {
      const problem = problemOf(error);
      if (problem !== undefined) {
        const { status, headers, body } = problem;
        c.res = new Response(body, { status, headers });
      } else if (gone.signal.aborted) {
        // Nobody reads this; a log may. 499 is nginx's word for it.
        c.res = new Response(null, { status: 499 });
      } else if (error !== c.error) {
        throw error;
      }
    }
  };
}
