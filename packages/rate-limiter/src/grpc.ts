// A limit before the methods of a grpc-js server, as an interceptor.
//
//     new Server({ interceptors: [rateLimitInterceptor(limiter, { key: tenantOf })] });
//
//     over the limit          RESOURCE_EXHAUSTED  grpc-retry-pushback-ms: the wait
//     costs more than fits    RESOURCE_EXHAUSTED  grpc-retry-pushback-ms: -1, "do not retry"
//     no room, no store       UNAVAILABLE         grpc-retry-pushback-ms: 1000
//     a key that is none      INVALID_ARGUMENT
//
// The pushback is gRFC A6's: a client with a retry policy waits exactly so long, and then tries
// again. A call in a leaky bucket's queue waits for its turn, unless it is cancelled or its
// deadline passes; then its handler is not called. What `key`, `cost` or the limiter throw is
// INTERNAL.
//
// The default key is the peer's address: behind a proxy that is the proxy, and all share one limit.
//
// A call is over, and its place under a concurrency limit free, when its status is sent. One that
// was cancelled keeps its place until its handler calls back, because until then it is at work; a
// streaming method is over when it is cancelled, since many never say another word.
import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { type AddressKeyOptions, addressKey, checkPrefixBits } from "./address-key.ts";
import type { Decision } from "./decision.ts";
import { retryAfterMsOf } from "./response-fields.ts";
import { Gate, type Limiter, type ServeOptions, type Verdict } from "./serve.ts";

export { type AddressKeyOptions, addressKey } from "./address-key.ts";
export type { Limiter, ServeOptions } from "./serve.ts";

/** What is known of a call before its first message. */
export interface GrpcRequest {
  /** The method, as `/package.Service/Method`. */
  readonly path: string;
  /** What the client sent along. */
  readonly metadata: Metadata;
  /** Who is at the other end of the connection: an address, and a port. */
  readonly peer: string;
}

/** Options of {@link rateLimitInterceptor}; the status of `refundIf` is gRPC's. */
export interface RateLimitInterceptorOptions extends ServeOptions<GrpcRequest>, AddressKeyOptions {}

/** When a server wants to be asked again, in ms; negative: not at all (gRFC A6). */
const PUSHBACK = "grpc-retry-pushback-ms";
const PUSHBACK_MS_MAX = 2 ** 31 - 1;

/**
 * A server interceptor. Throws a TypeError for what is no limiter, a RangeError for options out of
 * range.
 */
export function rateLimitInterceptor(
  limiter: Limiter,
  options: RateLimitInterceptorOptions = {},
): ServerInterceptor {
  const { ipv6PrefixBits = 64 } = options;
  checkPrefixBits(ipv6PrefixBits);
  const gate = new Gate<GrpcRequest>(limiter, options, ({ peer }) =>
    addressOf(peer, { ipv6PrefixBits }),
  );
  return (method, lower) => {
    const served = new Served(gate, lower);
    const listener = {
      onReceiveMetadata(metadata: Metadata, pass: (metadata: Metadata) => void) {
        const request = new Request(method.path, metadata, lower);
        served.ask(request, () => pass(metadata));
      },
      onCancel() {
        served.cancel();
        if (method.responseStream) served.end();
      },
    };
    return new ServerInterceptingCall(lower, {
      start: (next) => next(listener),
      sendMessage: (message, next) => {
        // What is sent when the call is cancelled goes nowhere; no status will follow it.
        if (served.cancelled && !method.responseStream) served.end();
        next(message);
      },
      sendStatus: (status, next) => {
        next(status);
        served.end(status.code);
      },
    });
  };
}

// One call, from its metadata to its status.
class Served {
  cancelled = false;
  readonly #gate: Gate<GrpcRequest>;
  readonly #lower: ServerInterceptingCallInterface;
  #gone: AbortController | undefined;
  #end: ((code?: number) => void) | undefined;

  constructor(gate: Gate<GrpcRequest>, lower: ServerInterceptingCallInterface) {
    this.#gate = gate;
    this.#lower = lower;
  }

  ask(request: GrpcRequest, pass: () => void): void {
    let verdict: Verdict | Promise<Verdict>;
    const fail = () => this.#send({ code: status.INTERNAL, details: "internal error" });
    try {
      verdict = this.#gate.ask(request);
    } catch {
      return fail();
    }
    if (verdict instanceof Promise) void verdict.then((it) => this.#heed(it, pass), fail);
    else this.#heed(verdict, pass);
  }

  cancel(): void {
    this.cancelled = true;
    this.#gone?.abort();
  }

  end(code?: number): void {
    this.#end?.(this.cancelled ? undefined : code);
  }

  #heed(verdict: Verdict, pass: () => void): void {
    if (verdict.kind === "bad-key") return this.#send(BAD_KEY);
    if (verdict.kind === "refuse") return this.#send(statusOf(verdict.decision));
    if (verdict.kind === "skip") return pass();
    this.#end = verdict.end;
    if (verdict.decision.delayMs > 0) return this.#wait(verdict.decision, pass);
    // It was cancelled while a distant limiter thought about it: nobody will handle it.
    if (this.cancelled) this.end();
    else pass();
  }

  #wait(decision: Decision, pass: () => void): void {
    this.#gone = new AbortController();
    if (this.cancelled) this.#gone.abort();
    void this.#gate.turn(decision, this.#gone.signal).then(pass, () => this.end());
  }

  #send({ code, details, metadata = new Metadata() }: Ending): void {
    if (!this.cancelled) this.#lower.sendStatus({ code, details, metadata });
  }
}

class Request implements GrpcRequest {
  readonly path: string;
  readonly metadata: Metadata;
  readonly #lower: ServerInterceptingCallInterface;

  constructor(path: string, metadata: Metadata, lower: ServerInterceptingCallInterface) {
    this.path = path;
    this.metadata = metadata;
    this.#lower = lower;
  }

  get peer(): string {
    return this.#lower.getPeer();
  }
}

type Ending = Omit<StatusObject, "metadata"> & { metadata?: Metadata };

const BAD_KEY: Ending = {
  code: status.INVALID_ARGUMENT,
  details: "what the call is counted by is empty, too long or no well-formed text",
};

// How gRPC says that a limiter has refused.
function statusOf(decision: Decision): Ending {
  const { outcome, rule } = decision;
  const waitMs = retryAfterMsOf(decision);
  const metadata = new Metadata();
  const pushbackMs = waitMs === undefined ? -1 : Math.min(Math.ceil(waitMs), PUSHBACK_MS_MAX);
  metadata.set(PUSHBACK, String(pushbackMs));
  if (outcome === "keys-max" || outcome === "store-closed") {
    return { code: status.UNAVAILABLE, details: "limits cannot be kept at present", metadata };
  }
  const advice = waitMs === undefined ? "do not try again" : `try again in ${pushbackMs} ms`;
  const details = `over the limit ${rule.name}; ${advice}`;
  return { code: status.RESOURCE_EXHAUSTED, details, metadata };
}

// A UNIX socket has no address; all its clients share one limit.
function addressOf(peer: string, options: AddressKeyOptions): string | undefined {
  if (peer === "unknown") return undefined;
  const port = peer.lastIndexOf(":");
  return addressKey(port < 0 ? peer : peer.slice(0, port), options);
}
