// A copy of a request whose answer nobody waits for. It reads the same body as the request itself,
// and must not hold it up: a mirror that cannot keep up, or fails, is given up without a word.
import type { Clock } from "@compendium/runtime";
import type { RequestHead } from "../codec/codec.ts";
import { Attempt, type AttemptOwner } from "./attempt.ts";
import type { RequestBody } from "./request-body.ts";
import { Timer } from "./timer.ts";
import type { CallPlan } from "./upstream-call.ts";

/** What a mirror is made of. */
export interface MirrorOptions {
  readonly plan: CallPlan;
  readonly body: RequestBody;
  readonly clock: Clock;
  /** Of the whole copy; 0: no bound. */
  readonly timeoutMs: number;
  /** How many bytes of the body may wait for it. */
  readonly waitingBytesMax: number;
}

/** One copy. */
export class Mirror implements AttemptOwner {
  readonly #options: MirrorOptions;
  readonly #timer: Timer;
  #attempt: Attempt | undefined;

  constructor(options: MirrorOptions) {
    this.#options = options;
    this.#timer = new Timer(options.clock);
  }

  /** Sends it, if there is a host. */
  begin(): void {
    const { plan, body, clock, timeoutMs } = this.#options;
    const destination = plan.choose(() => false);
    if (destination === undefined) return;
    const attempt = new Attempt({
      owner: this,
      destination,
      body,
      breakers: plan.breakers,
      clock,
      isRetry: false,
      timeoutMs: 0,
      idleTimeoutMs: 0,
    });
    this.#attempt = attempt;
    this.#timer.set(timeoutMs, () => this.#stop(() => attempt.timeOut()));
    attempt.begin(false);
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

  onTryTimeout(): void {}

  onFailed(): void {
    this.#stop(() => {});
  }

  #end(): void {
    this.#stop((attempt) => attempt.end(this.#options.body.hasEnded));
  }

  #stop(end: (attempt: Attempt) => void): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    this.#attempt = undefined;
    this.#timer.stop();
    end(attempt);
  }
}
