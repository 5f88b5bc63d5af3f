// A copy of a request whose answer nobody waits for. It reads the same body as the request itself,
// and must not hold it up: a mirror that cannot keep up, or fails, is given up without a word.
import type { Clock } from "@compendium/runtime";
import type { RequestHead } from "../codec/codec.ts";
import { Attempt, type AttemptOwner } from "./attempt.ts";
import type { RequestBody } from "./request-body.ts";
import type { CallPlan } from "./upstream-call.ts";

/** What a mirror is made of. */
export interface MirrorOptions {
  readonly plan: CallPlan;
  readonly body: RequestBody;
  readonly clock: Clock;
  /** From the end of the request to the head of an answer; 0: no bound. */
  readonly timeoutMs: number;
  /** From the same moment on, without a byte in either direction; 0: no bound. */
  readonly idleTimeoutMs: number;
  /** How many bytes of the body may wait for it. */
  readonly waitingBytesMax: number;
}

/** One copy. */
export class Mirror implements AttemptOwner {
  readonly #options: MirrorOptions;
  #attempt: Attempt | undefined;

  constructor(options: MirrorOptions) {
    this.#options = options;
  }

  /** Sends it, if there is a host. */
  begin(): void {
    const { plan, body, clock, timeoutMs, idleTimeoutMs } = this.#options;
    const destination = plan.choose(() => false);
    if (destination === undefined) return;
    this.#attempt = new Attempt({
      owner: this,
      destination,
      body,
      breakers: plan.breakers,
      clock,
      isRetry: false,
      timeoutMs,
      idleTimeoutMs,
    });
    this.#attempt.begin(false);
  }

  /** The body has grown. */
  pump(): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    attempt.pump();
    const isBehind = !attempt.isConnected || !attempt.isWritable;
    if (isBehind && this.#options.body.bytes > this.#options.waitingBytesMax) this.abandon();
  }

  /** The request that it is a copy of has ended before its end. */
  abandon(): void {
    this.#stop((attempt) => attempt.abandon("cancelled"));
  }

  headFor({ destination }: Attempt): RequestHead {
    const { plan } = this.#options;
    const head: RequestHead = { ...plan.head, fields: plan.head.fields.copy() };
    plan.prepare(head, destination);
    return head;
  }

  onFlow(): void {
    this.#attempt?.pump();
  }

  onResponse(_attempt: Attempt, _head: unknown, end: boolean): void {
    if (end) this.#end();
  }

  onResponseData(_attempt: Attempt, _chunk: Uint8Array, end: boolean): void {
    if (end) this.#end();
  }

  onResponseTrailers(): void {
    this.#end();
  }

  onInformational(): void {}

  // A mirror is no part of the request.
  onSentEnd(): void {}

  onTryTimeout(): void {
    this.#stop((attempt) => attempt.timeOut());
  }

  onFailed(): void {
    this.#stop(() => {});
  }

  #end(): void {
    this.#stop((attempt) => attempt.end());
  }

  #stop(end: (attempt: Attempt) => void): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    this.#attempt = undefined;
    end(attempt);
  }
}
