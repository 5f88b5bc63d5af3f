// A pipeline around every request of a Fastify server, as a plugin.
//
//     await app.register(resilience, { pipeline: pipeline(bulkhead({ concurrencyMax: 100 })) });
//
// A request enters the pipeline in `onRequest`, before its body is read, and leaves it when its
// response is closed and its handler has returned. An error that was answered with a 5xx is a
// failure to the pipeline. What a policy refuses is an error like any other: it runs through
// `onError` and your error handler, with the status (429, 503, 504) and Retry-After already set on
// the reply; so does a refusal that a handler lets through, of a breaker further down for example.
//
// Deadlines, and clients that go away, are treated as in http.ts. A handler finds its call with
// `callOf(request)`. The plugin holds for the scope that registers it, and for the routes that come
// after it.
//
// Left out: judging replies, and replies that a handler has taken over with `reply.hijack()` or has
// begun to send when its deadline passes: those are cut off.
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from "fastify";
import type { Call } from "./call.ts";
import type { Pipeline } from "./pipeline.ts";
import { problemOf } from "./refusal.ts";
import { Reader, type ServeOptions } from "./serve.ts";
import { serveNode } from "./serve-node.ts";

export type { ServeOptions } from "./serve.ts";

/** Options of {@link resilience}. */
export interface ResiliencePluginOptions extends ServeOptions<FastifyRequest> {
  /** What every request goes through. */
  pipeline: Pipeline;
}

const calls = new WeakMap<FastifyRequest, Call>();
const running = new WeakMap<FastifyRequest, Promise<unknown>>();
const failures = new WeakMap<FastifyRequest, unknown>();

/**
 * The call in which a request is handled: its deadline, and its signal. Undefined without the
 * plugin.
 */
export function callOf(request: FastifyRequest): Call | undefined {
  return calls.get(request);
}

/**
 * The plugin. Registering it fails with a TypeError for a pipeline that cannot work in a server,
 * and a RangeError for options out of range.
 */
export const resilience: FastifyPluginCallback<ResiliencePluginOptions> = (app, options, done) => {
  const { pipeline } = options;
  let reader: Reader<FastifyRequest>;
  try {
    reader = new Reader(pipeline, "a Fastify server", options);
  } catch (error) {
    return done(error as Error);
  }

  app.addHook("onRequest", (request, reply, next) => {
    let started = false;
    const rest = () => outcomeOf(request, reply);
    const exchange = { request: request.raw, response: reply.raw, subject: request, rest };
    const work = (call: Call) => {
      started = true;
      calls.set(request, call);
      next();
    };
    serveNode(pipeline, reader, exchange, work).catch((error) => {
      if (error === undefined) {
        // Nobody is left to be answered; a request that waited stays where it is.
        if (!started) reply.hijack();
      } else if (started) giveUp(reply, error);
      else next(error);
    });
  });

  // A handler may go on when its request has been answered, at its deadline for example.
  app.addHook("onRoute", (route) => {
    const { handler } = route;
    route.handler = function (request, reply) {
      const result: unknown = handler.call(this, request, reply);
      if (result instanceof Promise) running.set(request, result);
      return result;
    };
  });

  app.addHook("onError", (request, reply, error, next) => {
    failures.set(request, error);
    const problem = problemOf(error);
    if (problem !== undefined) {
      const { "retry-after": retryAfter } = problem.headers;
      reply.code(problem.status);
      if (retryAfter !== undefined) reply.header("retry-after", retryAfter);
    }
    next();
  });
  done();
};

// Fastify gives each plugin a scope of its own, unless it says that it speaks for its parent's.
Object.assign(resilience, {
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "resilience",
});

// What became of a request whose response is closed. Errors that were answered with a 4xx were the
// client's own fault.
async function outcomeOf(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  await running.get(request)?.catch(() => {});
  if (failures.has(request) && reply.raw.statusCode >= 500) throw failures.get(request);
}

// The handler may still be at work. What it answers later, Fastify drops and logs.
function giveUp(reply: FastifyReply, error: unknown): void {
  if (reply.raw.writableFinished) return;
  if (reply.raw.headersSent) reply.raw.destroy();
  else if (!reply.sent) reply.send(error);
}
