// A pipeline around the calls of a grpc-js client, as an interceptor.
//
//     const interceptors = [clientInterceptor(pipeline(retry()))];
//     new EchoClient(address, credentials, { interceptors });
//
// What may be repeated, and what must not:
//
//     request   response   attempts
//     one       one        any number: nothing is delivered before the last of them has ended
//     one       stream     until the first headers or message has come, and then that one only
//     stream    any        one: messages are handed on as they come, and kept nowhere
//
// So no message is ever delivered twice (gRFC A6 calls it "committed"). The call option `deadline`
// is the pipeline's deadline; each attempt tells the server what is left of it. Repeating needs a
// call that is idempotent: by the option `idempotent` (see `idempotentMethods` for what the .proto
// says), or by the call's own metadata, `new Metadata({ idempotentRequest: true })`.
// `grpc-retry-pushback-ms` is honoured, `grpc-previous-rpc-attempts` is sent. A place in a bulkhead
// is held, and a timeout runs, until the stream ends.
//
// Left out: buffering request streams for replay. grpc-js's own retries, by service config, work
// beneath this one: use one of the two.
import {
  InterceptingCall,
  type InterceptingListener,
  type Interceptor,
  type InterceptorOptions,
  type Metadata,
  type NextCall,
  status as Status,
  type StatusObject,
} from "@grpc/grpc-js";
import type { Call, Criticality } from "./call.ts";
import { type Answer, GrpcAttempt, type LowerCall, type StreamReceiver } from "./grpc-attempt.ts";
import { GrpcFailure, grpcStatusOf, isFailureCode } from "./grpc-status.ts";
import type { Pipeline } from "./pipeline.ts";
import { refusePolicies } from "./refusal.ts";

/** Options of {@link clientInterceptor}. */
export interface GrpcClientOptions {
  /** Whether calls of a method may be made twice. Default: what each call's metadata says. */
  idempotent?: boolean | ((path: string) => boolean);
  /** Whether a status counts as a failure. Default: {@link isFailureCode}. */
  isFailure?: (status: StatusObject) => boolean;
  /** How much calls of a method matter. Default `"critical"`. */
  criticality?: (path: string) => Criticality;
}

/** A client interceptor. Throws a TypeError for a pipeline that cannot work here. */
export function clientInterceptor(
  pipeline: Pipeline,
  options: GrpcClientOptions = {},
): Interceptor {
  refusePolicies(pipeline, "a gRPC client", {
    "single-flight": "each call needs messages of its own",
  });
  return (callOptions, nextCall) =>
    new InterceptingCall(new Exchange(pipeline, options, callOptions, nextCall));
}

type Context = Parameters<LowerCall["sendMessageWithContext"]>[0];

// Why the caller cancelled, in gRPC's terms.
class Cancelled {
  readonly status: { code: Status; details: string };
  constructor(code: Status, details: string) {
    this.status = { code, details };
  }
}

// One call and all attempts at it. To the client it is the call.
class Exchange implements LowerCall, StreamReceiver {
  readonly #pipeline: Pipeline;
  readonly #options: GrpcClientOptions;
  readonly #callOptions: InterceptorOptions;
  readonly #nextCall: NextCall;
  readonly #caller = new AbortController();
  #metadata: Metadata | undefined;
  #listener: Partial<InterceptingListener> = {};
  // The request; of a stream, the message that waits for the attempt to begin.
  #message: { context: Context; value: unknown } | undefined;
  #halfClosed = false;
  // Whether the client asked for a response that has not come.
  #reading = false;
  #attempts: GrpcAttempt[] = [];
  #committed: GrpcAttempt | undefined;
  #over = false;

  constructor(
    pipeline: Pipeline,
    options: GrpcClientOptions,
    callOptions: InterceptorOptions,
    nextCall: NextCall,
  ) {
    this.#pipeline = pipeline;
    this.#options = options;
    this.#callOptions = callOptions;
    this.#nextCall = nextCall;
  }

  start(metadata: Metadata, listener: Partial<InterceptingListener> = {}): void {
    this.#metadata = metadata;
    this.#listener = listener;
    if (this.#method.requestStream) this.#begin();
  }

  sendMessageWithContext(context: Context, value: unknown): void {
    const [attempt] = this.#attempts;
    if (this.#over) context.callback?.();
    else if (this.#method.requestStream && attempt !== undefined) {
      attempt.lower.sendMessageWithContext(context, value);
    } else this.#message = { context, value };
  }

  sendMessage(value: unknown): void {
    this.sendMessageWithContext({}, value);
  }

  halfClose(): void {
    this.#halfClosed = true;
    if (!this.#method.requestStream) this.#begin();
    else this.#attempts[0]?.lower.halfClose();
  }

  startRead(): void {
    if (this.#over) return;
    if (this.#committed !== undefined) return this.#committed.lower.startRead();
    if (this.#reading) return;
    this.#reading = true;
    for (const { lower } of this.#attempts) lower.startRead();
  }

  cancelWithStatus(code: Status, details: string): void {
    this.#caller.abort(new Cancelled(code, details));
  }

  getPeer(): string {
    return (this.#committed ?? this.#attempts.at(-1))?.lower.getPeer() ?? "unknown";
  }

  getAuthContext(): ReturnType<LowerCall["getAuthContext"]> {
    return (this.#committed ?? this.#attempts.at(-1))?.lower.getAuthContext() ?? null;
  }

  commit(attempt: GrpcAttempt): boolean {
    if (this.#over || (this.#committed ?? attempt) !== attempt) return false;
    if (this.#committed === undefined) {
      this.#committed = attempt;
      if (attempt.metadata) this.#listener.onReceiveMetadata?.(attempt.metadata);
      this.#cancelAllBut(attempt);
    }
    return true;
  }

  message(value: unknown): void {
    if (!this.#over) this.#listener.onReceiveMessage?.(value);
  }

  get #method(): InterceptorOptions["method_definition"] {
    return this.#callOptions.method_definition;
  }

  #begin(): void {
    const { path, requestStream } = this.#method;
    const { idempotent, criticality } = this.#options;
    const byCall = this.#metadata?.getOptions().idempotentRequest ?? false;
    const told = typeof idempotent === "function" ? idempotent(path) : (idempotent ?? byCall);
    const options = {
      signal: this.#caller.signal,
      deadlineInMs: Number(this.#callOptions.deadline ?? Infinity) - Date.now(),
      idempotent: told && !requestStream,
      criticality: criticality?.(path),
    };
    this.#pipeline
      .call((call) => this.#attempt(call), options)
      .then(
        (answer) => this.#deliver(answer),
        (error) => this.#fail(error),
      );
  }

  async #attempt(call: Call): Promise<Answer> {
    // What cannot be repeated, and what has lost a race, comes to what the one attempt comes to.
    const attempt = this.#only ?? this.#launch(call);
    let answer = await attempt.answer;
    if (call.aborted) throw call.reason;
    const counts = this.#committed ?? attempt;
    if (counts !== attempt) answer = await counts.answer;
    const { isFailure = ({ code }: StatusObject) => isFailureCode(code) } = this.#options;
    if (!isFailure(answer.status)) return answer;
    throw new GrpcFailure(answer.status, this.#only === undefined ? undefined : -1);
  }

  // The attempt that counts, once there can be no other.
  get #only(): GrpcAttempt | undefined {
    return this.#committed ?? (this.#method.requestStream ? this.#attempts[0] : undefined);
  }

  #launch(call: Call): GrpcAttempt {
    const receiver = this.#method.responseStream ? this : undefined;
    const attempt = new GrpcAttempt(this.#nextCall(this.#optionsFor(call)), receiver);
    this.#attempts.push(attempt);
    const listener = call.onAbort(() => cancel(attempt));
    attempt.answer.then(() => listener.dispose());
    this.#send(attempt);
    return attempt;
  }

  #optionsFor(call: Call): InterceptorOptions {
    const remainingMs = call.remainingMs();
    if (remainingMs === Infinity) return this.#callOptions;
    return { ...this.#callOptions, deadline: Date.now() + remainingMs };
  }

  #send(attempt: GrpcAttempt): void {
    const { lower } = attempt;
    const metadata = (this.#metadata as Metadata).clone();
    const earlier = this.#attempts.length - 1;
    if (earlier > 0) metadata.set("grpc-previous-rpc-attempts", String(earlier));
    lower.start(metadata, attempt);
    if (this.#reading) lower.startRead();
    if (this.#message !== undefined) {
      lower.sendMessageWithContext(this.#message.context, this.#message.value);
      if (this.#method.requestStream) this.#message = undefined;
    }
    if (this.#halfClosed) lower.halfClose();
  }

  #deliver({ metadata, message, status }: Answer): void {
    this.#over = true;
    this.#cancelAllBut(undefined);
    if (this.#committed === undefined) {
      if (metadata !== undefined) this.#listener.onReceiveMetadata?.(metadata);
      if (message !== undefined) this.#listener.onReceiveMessage?.(message.value);
    }
    this.#listener.onReceiveStatus?.(status);
  }

  #fail(error: unknown): void {
    this.#over = true;
    this.#cancelAllBut(undefined);
    // Without it, a writer that waits for its message to be taken would wait for ever.
    this.#message?.context.callback?.();
    const status = grpcStatusOf(error);
    this.#listener.onReceiveStatus?.(
      error instanceof Cancelled ? { ...error.status, metadata: status.metadata } : status,
    );
  }

  // A call that has ended takes no notice of it.
  #cancelAllBut(wanted: GrpcAttempt | undefined): void {
    for (const attempt of this.#attempts) if (attempt !== wanted) cancel(attempt);
  }
}

/**
 * The option `idempotent`, out of service definitions that proto-loader made: methods whose .proto
 * says `option idempotency_level = NO_SIDE_EFFECTS` or `IDEMPOTENT`.
 */
export function idempotentMethods(
  ...services: Record<string, { path: string; options?: unknown }>[]
): (path: string) => boolean {
  const paths = new Set<string>();
  for (const { path, options } of services.flatMap((service) => Object.values(service))) {
    const { idempotency_level: level } = (options ?? {}) as { idempotency_level?: unknown };
    if (level === "NO_SIDE_EFFECTS" || level === "IDEMPOTENT") paths.add(path);
  }
  return (path) => paths.has(path);
}

function cancel({ lower }: GrpcAttempt): void {
  lower.cancelWithStatus(Status.CANCELLED, "nobody waits for this attempt any more");
}
