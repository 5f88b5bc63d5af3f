// A pipeline around the methods of a grpc-js server, as an interceptor.
//
//     const policies = pipeline(bulkhead({ concurrencyMax: 100 }));
//     new Server({ interceptors: [serverInterceptor(policies)] });
//
// The client's deadline is the call's: a call that has waited past it is not started. A refusal is
// RESOURCE_EXHAUSTED or, of an open breaker, UNAVAILABLE, with `grpc-retry-pushback-ms`. A client
// that cancels or goes away aborts the call. A handler finds its call with `callOf(serverCall)`,
// and says refusals of its own, of a breaker further down for example, with `grpcStatusOf(error)`.
// A failure status (grpc-status.ts) is a failure to the pipeline.
//
// A call is over when its status is sent. One that was cancelled keeps its place until its handler
// calls back, because until then it is at work: a method with one response must do so even when it
// is cancelled. A streaming method is over when it is cancelled, since many never say another word.
import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptor,
  type StatusObject,
} from "@grpc/grpc-js";
import type { Call, Criticality } from "./call.ts";
import { ResilienceError } from "./errors.ts";
import { GrpcFailure, grpcStatusOf, isFailureCode } from "./grpc-status.ts";
import type { Pipeline } from "./pipeline.ts";
import { REFUSED_BY_SERVERS, refusePolicies } from "./refusal.ts";
import { clientGone } from "./serve.ts";

/** Options of {@link serverInterceptor}. */
export interface GrpcServerOptions {
  /** How much a call matters, by its method and metadata. Default `"critical"`. */
  criticality?: (path: string, metadata: Metadata) => Criticality;
  /** For whom a call is, where a policy tells callers apart. */
  key?: (path: string, metadata: Metadata) => string | undefined;
}

// By metadata: the one object that grpc-js hands from the interceptors to the handler.
const calls = new WeakMap<Metadata, Call>();

/**
 * The call in which a method is handled: its deadline, and its signal. Undefined without the
 * interceptor.
 */
export function callOf(serverCall: { metadata: Metadata }): Call | undefined {
  return calls.get(serverCall.metadata);
}

/** A server interceptor. Throws a TypeError for a pipeline that cannot work in a server. */
export function serverInterceptor(
  pipeline: Pipeline,
  options: GrpcServerOptions = {},
): ServerInterceptor {
  refusePolicies(pipeline, "a gRPC server", REFUSED_BY_SERVERS);
  return (method, lower) => {
    const work = new Work();
    const listener = {
      onReceiveMetadata(metadata: Metadata, pass: (metadata: Metadata) => void) {
        const deadline = Number(lower.getDeadline());
        const callOptions = {
          signal: work.signal,
          deadlineInMs: deadline - Date.now(),
          criticality: options.criticality?.(method.path, metadata),
          key: options.key?.(method.path, metadata),
        };
        const begin = (call: Call) => {
          calls.set(metadata, call);
          work.started = true;
          pass(metadata);
          return work.done;
        };
        pipeline.call(begin, callOptions).catch((error) => {
          if (work.closed || work.answered) return;
          work.answered = true;
          lower.sendStatus(grpcStatusOf(error));
        });
      },
      onCancel() {
        const late = Date.now() >= Number(lower.getDeadline());
        work.cancel(late ? new ResilienceError("DEADLINE_EXCEEDED", LATE) : clientGone());
        if (method.responseStream) work.end();
      },
    };
    return new ServerInterceptingCall(lower, {
      start: (next) => next(listener),
      sendMessage: (message, next) => {
        // What is sent when the call is closed goes nowhere; no status will follow it.
        if (work.closed && !method.responseStream) work.end();
        next(message);
      },
      sendStatus: (status, next) => {
        work.answered = true;
        next(status);
        work.end(status);
      },
    });
  };
}

const LATE = "the call's deadline has passed";

// What a handler does, from when it is let in until it has answered.
class Work {
  started = false;
  // A status is on its way, the handler's or a refusal.
  answered = false;
  // grpc-js takes nothing more.
  closed = false;
  readonly done: Promise<void>;
  readonly #end: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  readonly #gone = new AbortController();

  constructor() {
    this.done = this.#end.promise;
  }

  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  // grpc-js also says "cancelled" of calls that have been answered.
  cancel(reason: ResilienceError): void {
    this.closed = true;
    if (!this.answered) this.#gone.abort(reason);
  }

  end(status?: Pick<StatusObject, "code" | "details">): void {
    if (status !== undefined && this.started && isFailureCode(status.code)) {
      const { code, details } = status;
      this.#end.reject(new GrpcFailure({ code, details, metadata: new Metadata() }));
    } else this.#end.resolve();
  }
}
