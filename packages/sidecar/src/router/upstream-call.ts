// The way of one request to upstream: attempts, one after the other or beside each other, until one
// brings a response that is kept. It decides four things.
//
// - Repeating: a used connection that closes without a byte of response has met the server's idle
//   timer (RFC 9112 §9.3.1), and a stream that was refused was not touched (RFC 9113 §8.7). Such a
//   request goes out once more, without any policy: nobody could notice.
// - Retrying: what the policy names, after a pause, as often as policy and breaker allow.
// - Hedging: with it, an attempt that has taken longer than one may is left alone, and another runs
//   beside it; the first response that is kept wins, and the others are called off.
// - Giving up: what the client is told.
import type { Clock, Random } from "@compendium/runtime";
import type { Breakers } from "../cluster/breakers.ts";
import type { Host } from "../cluster/host.ts";
import type { RequestHead, ResetReason, ResponseHead } from "../codec/codec.ts";
import type { Fields } from "../codec/fields.ts";
import type { HedgeConfig, RetryConfig } from "../config/route-config.ts";
import type { Destination } from "../upstream/upstream-cluster.ts";
import { Attempt, type AttemptOwner, type Failure } from "./attempt.ts";
import { noHostReply, replyTo, type TryTimeout, tryTimeoutReply } from "./failure-replies.ts";
import type { LocalReply } from "./local-reply.ts";
import type { BodyReader, RequestBody } from "./request-body.ts";
import type { RequestInfo } from "./request-info.ts";
import type { ResponseFlag } from "./response-flags.ts";
import { type RetryAnswer, RetryState } from "./retry-state.ts";
import { Timer } from "./timer.ts";

/** Where a request goes, and how often. */
export interface CallPlan {
  /** As it is sent, but for what an attempt adds. */
  readonly head: RequestHead;
  /** A host that this request has not tried, or the same again if there is no other. */
  readonly choose: (tried: (host: Host) => boolean) => Destination | undefined;
  /** What is done to the head for this attempt. */
  readonly prepare: (head: RequestHead, destination: Destination) => void;
  /** Somebody has answered, whether his answer is kept or not. */
  readonly onAnswer: (head: ResponseHead, host: Host) => void;
  readonly breakers: Breakers;
  readonly retry: RetryConfig | undefined;
  readonly hedge: HedgeConfig | undefined;
}

/** Plain numbers, shared by all calls to one cluster. */
export interface CallNumbers {
  /** Sent again, because a connection closed in between or upstream refused. */
  repeated: number;
  retries: number;
  /** Retries that the breaker did not grant. */
  retriesRefused: number;
  /** Requests that had used up their retries. */
  retriesExhausted: number;
  /** Requests that succeeded because they were tried again. */
  retriesSucceeded: number;
  tryTimeouts: number;
  hedges: number;
}

/** Nothing has happened yet. */
export function noCalls(): CallNumbers {
  return {
    repeated: 0,
    retries: 0,
    retriesRefused: 0,
    retriesExhausted: 0,
    retriesSucceeded: 0,
    tryTimeouts: 0,
    hedges: 0,
  };
}

/** Whom a call is for. A call tells one response or one failure. */
export interface CallOwner {
  onInformational(head: ResponseHead): void;
  onResponse(head: ResponseHead, end: boolean): void;
  onResponseData(chunk: Uint8Array, end: boolean): void;
  onResponseTrailers(fields: Fields): void;
  /** An attempt is about to send its head. */
  onForward(head: RequestHead): void;
  /** The attempt that sent this head is over. */
  onSentEnd: AttemptOwner["onSentEnd"];
  /** Whether the client should go on may have changed: `wantsMore`. */
  onFlow(): void;
  /** There is no response: this one takes its place. */
  onFailed(reply: LocalReply): void;
  /** The response broke off. */
  onBroken(reason: ResetReason, flag: ResponseFlag, detail: string): void;
}

/** What a call is made of. */
export interface CallOptions {
  readonly owner: CallOwner;
  readonly plan: CallPlan;
  readonly body: RequestBody;
  readonly info: RequestInfo;
  readonly numbers: CallNumbers;
  readonly clock: Clock;
  readonly random: Random;
}

// Methods that mean the same once and twice (RFC 9110 §9.2.2).
const idempotent: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PUT",
  "DELETE",
]);

/** One request on its way to upstream. */
export class UpstreamCall implements AttemptOwner {
  readonly #options: CallOptions;
  readonly #retries: RetryState;
  readonly #pause: Timer;
  readonly #attempts = new Set<Attempt>();
  readonly #tried: Host[] = [];
  #kept: Attempt | undefined;
  // A retry that was granted waits for its time, and holds the beginning of the body: a mirror may
  // be past it.
  #waiting: BodyReader | undefined;
  #hasRepeated = false;
  #isOver = false;

  constructor(options: CallOptions) {
    const { plan, random, clock } = options;
    this.#options = options;
    this.#retries = new RetryState(plan.retry, random, clock);
    this.#pause = new Timer(clock);
  }

  /** Begins the first attempt. */
  begin(): void {
    this.#try({ isFresh: false, isRetry: false });
  }

  /** Whether the client should go on sending: an attempt takes more, or there is room to wait. */
  wantsMore(waitingBytesMax: number): boolean {
    let connected = 0;
    for (const attempt of this.#attempts) {
      if (!attempt.isConnected) continue;
      connected++;
      if (!attempt.isWritable) return false;
    }
    return connected > 0 || this.#options.body.bytes < waitingBytesMax;
  }

  /** The body has grown. */
  pump(): void {
    for (const attempt of this.#attempts) attempt.pump();
  }

  /** The client cannot take more. */
  pauseResponse(): void {
    this.#kept?.pause();
  }

  resumeResponse(): void {
    this.#kept?.resume();
  }

  /** The response has ended, and so has the request, as far as it was wanted. */
  end(): void {
    this.#stop((attempt) => attempt.end());
  }

  /** Nobody waits any more. */
  abandon(reason: ResetReason): void {
    this.#stop((attempt) => attempt.abandon(reason));
  }

  /** It took too long. */
  timeOut(): void {
    this.#stop((attempt) => attempt.timeOut());
  }

  #stop(end: (attempt: Attempt) => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#callOffRetry();
    for (const attempt of this.#attempts) end(attempt);
    this.#attempts.clear();
  }

  #try({ isFresh, isRetry }: { isFresh: boolean; isRetry: boolean }): void {
    const { plan, body, clock, info } = this.#options;
    const destination = plan.choose((host) => this.#tried.includes(host));
    if (destination === undefined) {
      if (isRetry) plan.breakers.give("retries");
      if (this.#attempts.size === 0) this.#fail(noHostReply);
      return;
    }
    this.#tried.push(destination.host);
    info.host = destination.host;
    info.upstreamAttempts++;
    const attempt = new Attempt({
      owner: this,
      destination,
      body,
      breakers: plan.breakers,
      clock,
      isRetry,
      timeoutMs: plan.retry?.perTryTimeoutMs ?? 0,
      idleTimeoutMs: plan.retry?.perTryIdleTimeoutMs ?? 0,
    });
    this.#attempts.add(attempt);
    attempt.begin(isFresh);
  }

  headFor({ destination }: Attempt): RequestHead {
    const { plan, info, owner } = this.#options;
    // Each attempt has fields of its own: the codec and tracing may change them.
    const head: RequestHead = { ...plan.head, fields: plan.head.fields.copy() };
    plan.prepare(head, destination);
    // With hedging, another one may have been chosen since.
    info.host = destination.host;
    info.forwarded = head;
    owner.onForward(head);
    return head;
  }

  onSentEnd(...[head, status, failure]: Parameters<AttemptOwner["onSentEnd"]>): void {
    this.#options.owner.onSentEnd(head, status, failure);
  }

  onFlow(): void {
    if (!this.#isOver) this.#options.owner.onFlow();
  }

  onInformational(_attempt: Attempt, head: ResponseHead): void {
    this.#options.owner.onInformational(head);
  }

  onResponse(attempt: Attempt, head: ResponseHead, end: boolean): void {
    const { body, owner, plan, info, numbers } = this.#options;
    plan.onAnswer(head, attempt.destination.host);
    if (body.canRewind && this.#retries.names(head)) {
      // One that is no good is let go while another is on its way.
      if (this.#attempts.size > 1 || this.#waiting !== undefined) {
        this.#drop(attempt, end);
        return;
      }
      const answer = this.#retries.askAfterResponse(head, plan.breakers);
      this.#note(answer);
      if (answer.kind === "retry") {
        this.#drop(attempt, end);
        this.#retryAfter(answer.afterMs);
        return;
      }
    }
    // From here on it is answered: nothing is sent again, nothing is kept.
    this.#kept = attempt;
    this.#callOffRetry();
    for (const other of this.#attempts) if (other !== attempt) this.#callOff(other);
    body.stopKeeping();
    if (this.#retries.retries > 0 && head.status < 500) numbers.retriesSucceeded++;
    info.host = attempt.destination.host;
    info.responseDurationMs = info.elapsedMs();
    info.responseCodeDetails = "via_upstream";
    owner.onResponse(head, end);
  }

  onResponseData(attempt: Attempt, chunk: Uint8Array, end: boolean): void {
    if (attempt === this.#kept) this.#options.owner.onResponseData(chunk, end);
  }

  onResponseTrailers(attempt: Attempt, fields: Fields): void {
    if (attempt === this.#kept) this.#options.owner.onResponseTrailers(fields);
  }

  onTryTimeout(attempt: Attempt, timeout: TryTimeout): void {
    const { plan, body, numbers, owner } = this.#options;
    numbers.tryTimeouts++;
    const reply = tryTimeoutReply(timeout);
    if (attempt === this.#kept) {
      attempt.timeOut();
      this.#isOver = true;
      owner.onBroken("overload", "UT", reply.details ?? "");
      return;
    }
    const isHedged = plan.hedge?.onPerTryTimeout === true;
    if (!isHedged) {
      this.#attempts.delete(attempt);
      attempt.timeOut();
    }
    if (this.#waiting !== undefined) return;
    const answer: RetryAnswer = body.canRewind
      ? this.#retries.askAfterTryTimeout(plan.breakers, isHedged)
      : { kind: "keep" };
    this.#note(answer);
    if (answer.kind === "retry") {
      if (isHedged) numbers.hedges++;
      this.#retryAfter(answer.afterMs);
    } else if (this.#attempts.size === 0) {
      this.#fail(reply);
    }
  }

  onFailed(attempt: Attempt, failure: Failure): void {
    if (this.#isOver) return;
    const { owner, info, plan, body, numbers } = this.#options;
    this.#attempts.delete(attempt);
    if (attempt === this.#kept) {
      this.#isOver = true;
      const { flag, details = "" } = replyTo(failure);
      owner.onBroken(failure.reason as ResetReason, flag, details);
      return;
    }
    if (this.#mayRepeat(failure)) {
      this.#hasRepeated = true;
      numbers.repeated++;
      this.#try({ isFresh: failure.isReused, isRetry: false });
      return;
    }
    if (this.#attempts.size > 0 || this.#waiting !== undefined) return;
    if (body.canRewind) {
      const answer = this.#retries.askAfterFailure(failure, plan.breakers);
      this.#note(answer);
      if (answer.kind === "retry") {
        this.#retryAfter(answer.afterMs);
        return;
      }
    }
    info.upstreamTransportFailure = failure.detail;
    this.#fail(replyTo(failure));
  }

  #mayRepeat({ reason, isReused }: Failure): boolean {
    const { plan, body } = this.#options;
    if (this.#hasRepeated || !body.canRewind) return false;
    if (reason === "refused") return true;
    return reason === "connection-failure" && isReused && idempotent.has(plan.head.method);
  }

  #callOff(attempt: Attempt): void {
    this.#attempts.delete(attempt);
    attempt.abandon("cancelled");
  }

  // Its answer counts for the host, and nobody gets it.
  #drop(attempt: Attempt, hasEnded: boolean): void {
    this.#attempts.delete(attempt);
    if (hasEnded) attempt.end();
    else attempt.abandon("local");
  }

  #note({ kind }: RetryAnswer): void {
    const { numbers, info } = this.#options;
    if (kind === "retry") numbers.retries++;
    else if (kind === "overflow") {
      numbers.retriesRefused++;
      info.flags.add("UO");
    } else if (kind === "exhausted") {
      numbers.retriesExhausted++;
      info.flags.add("URX");
    }
  }

  #retryAfter(ms: number): void {
    const retry = { isFresh: false, isRetry: true };
    if (ms === 0) return this.#try(retry);
    const waiting = this.#options.body.read();
    this.#waiting = waiting;
    this.#pause.set(ms, () => {
      this.#waiting = undefined;
      this.#try(retry);
      waiting[Symbol.dispose]();
    });
  }

  #callOffRetry(): void {
    if (this.#waiting === undefined) return;
    this.#pause.stop();
    this.#options.plan.breakers.give("retries");
    this.#waiting[Symbol.dispose]();
    this.#waiting = undefined;
  }

  #fail(reply: LocalReply): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.owner.onFailed(reply);
  }
}
