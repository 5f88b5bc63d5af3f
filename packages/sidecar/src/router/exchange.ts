// One request on its way through the proxy, seen from its client:
//
//     head ──▶ route ──▶ filters ──▶ decision ──▶ answer from here
//                        (may wait)          └──▶ call to upstream ──▶ response
//     body ──▶ kept as long as it may have to be sent again ──▶ attempts
//
// It pauses the faster side, keeps the times that a request may take, and ends exactly once,
// whoever ends it: then those who look on are told. How upstream is called is none of its business
// (upstream-call.ts), nor is where to (request-router.ts).
import type { Clock, Random } from "@compendium/runtime";
import type {
  RequestHead,
  ResetReason,
  ResponseHead,
  ServerStream,
  StreamReceiver,
} from "../codec/codec.ts";
import type { Fields } from "../codec/fields.ts";
import type { Timeout } from "./deadline-fields.ts";
import type { Decider, ForwardPlan } from "./decision.ts";
import { lateReply } from "./failure-replies.ts";
import { FilterRun } from "./filter-run.ts";
import { type LocalReply, sendLocalReply } from "./local-reply.ts";
import { Mirror } from "./mirror.ts";
import type { AttemptEnd, RequestObserver } from "./observer.ts";
import { RequestBody } from "./request-body.ts";
import type { RequestInfo } from "./request-info.ts";
import { type LateListener, type LateReason, RequestTimers } from "./request-timers.ts";
import type { ResponseFlag } from "./response-flags.ts";
import { ResponsePath, type ResponsePathOwner } from "./response-path.ts";
import { type CallOwner, UpstreamCall } from "./upstream-call.ts";

/** Plain numbers, shared by all exchanges of a listener. */
export interface ExchangeNumbers {
  active: number;
  requests: number;
  /** The client went away before the response had ended. */
  cancelled: number;
  /** Answers of 5xx from here, and responses cut short. */
  failures: number;
  /** Nothing moved for too long. */
  idleTimeouts: number;
}

/** What an exchange is made of. */
export interface ExchangeOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly numbers: ExchangeNumbers;
  readonly decider: Decider;
  readonly observers: readonly RequestObserver[];
  readonly info: RequestInfo;
  /** How long a request may take to arrive; 0: no bound. */
  readonly requestTimeoutMs: number;
  /** How long all of it may take; 0: no bound. */
  readonly lifetimeMs: number;
}

// What a request may be kept of to be sent again, and what may wait while a connection opens.
const keptBytesMax = 65_536;

const flushMs = 100;

/** One request and its response. */
export class Exchange
  implements StreamReceiver<RequestHead>, CallOwner, ResponsePathOwner, LateListener
{
  readonly #options: ExchangeOptions;
  readonly #info: RequestInfo;
  readonly #client: ServerStream;
  readonly #body = new RequestBody(keptBytesMax);
  readonly #response: ResponsePath;
  readonly #timers: RequestTimers;
  #head: RequestHead | undefined;
  #filters: FilterRun | undefined;
  #plan: ForwardPlan | undefined;
  #call: UpstreamCall | undefined;
  #mirrors: readonly Mirror[] = [];
  // Upstream has taken the upgrade: its two directions end on their own.
  #isTunnel = false;
  #isPaused = false;
  #isOver = false;
  #hasResponseEnded = false;

  constructor(client: ServerStream, options: ExchangeOptions) {
    const { clock, info, numbers } = options;
    this.#options = options;
    this.#info = info;
    this.#client = client;
    this.#timers = new RequestTimers(clock, this);
    this.#response = new ResponsePath(this);
    numbers.active++;
    numbers.requests++;
  }

  // From the client.

  onHead(head: RequestHead, end: boolean): void {
    const { decider, observers, lifetimeMs, requestTimeoutMs } = this.#options;
    const info = this.#info;
    this.#head = head;
    info.request = head;
    if (end) {
      this.#body.endWithHead();
      this.#onRequestEnd();
    }
    const refusal = decider.route(head, info);
    for (const observer of observers) observer.onBegin?.(info);
    if (refusal !== undefined) return this.#reply(refusal);
    this.#timers.boundLifetime(lifetimeMs);
    this.#boundSilence(decider.idleTimeoutMs(info));
    if (!end && head.upgrade === undefined) this.#timers.boundArrival(requestTimeoutMs);
    const filters = decider.filtersFor(info);
    if (filters.length === 0) return this.#decide();
    this.#filters = new FilterRun({
      head,
      hasBody: !end,
      info,
      filters,
      response: this.#response,
      client: this.#client,
      onPassed: () => this.#decide(),
      onReply: (reply) => this.#reply(reply),
    });
    this.#filters.start();
  }

  // Silence is ended here, where there is an answer to it. What is left to the codec is a client
  // that does not take what was sent, after all of that has been given away; it never comes first.
  #boundSilence(ms: number): void {
    this.#timers.boundSilence(ms);
    this.#client.limitSilence(ms === 0 ? Number.POSITIVE_INFINITY : ms + flushMs);
  }

  onData(chunk: Uint8Array, end: boolean): void {
    if (this.#isOver) return;
    this.#info.bytesReceived += chunk.length;
    this.#timers.touch();
    this.#body.addData(chunk, end);
    if (end) this.#onRequestEnd();
    this.#filters?.onBody(chunk.length, end);
    this.#pump();
  }

  onTrailers(fields: Fields): void {
    if (this.#isOver) return;
    this.#body.addTrailers(fields);
    this.#onRequestEnd();
    this.#filters?.onTrailers();
    this.#pump();
  }

  onReset(reason: ResetReason, detail: string): void {
    if (this.#isOver) return;
    this.#options.numbers.cancelled++;
    this.#info.flags.add(resetFlags[reason] ?? "DC");
    this.#info.responseCodeDetails = "downstream_remote_disconnect";
    this.#info.connectionTerminationDetails = detail;
    this.#call?.abandon(reason);
    this.#finish();
  }

  onWritable(): void {
    this.#timers.touch();
    this.#response.onWritable();
  }

  onReady(): void {
    this.#call?.resumeResponse();
  }

  // Towards upstream.

  #decide(): void {
    const { decider, clock, random } = this.#options;
    const head = this.#head!;
    const decision = decider.decide(head, this.#info);
    if (decision.kind === "reply") return this.#reply(decision.reply);
    this.#plan = decision;
    if (head.upgrade !== undefined) this.#body.stopKeeping();
    else this.#startTimeout(decision.timeout);
    const info = this.#info;
    this.#call = new UpstreamCall({
      owner: this,
      plan: decision,
      body: this.#body,
      info,
      numbers: decision.numbers,
      clock,
      random,
    });
    if (head.upgrade === undefined) this.#startMirrors(decision);
    this.#call.begin();
  }

  // One that counts from the head takes the place of the bound for the request's arrival.
  #startTimeout({ ms, from }: Timeout): void {
    const info = this.#info;
    if (from === "head") this.#timers.boundResponse(Math.max(1, ms - info.elapsedMs()));
    else if (this.#body.hasEnded) this.#timers.boundResponse(ms);
  }

  #startMirrors({ mirrors, timeout }: ForwardPlan): void {
    if (mirrors.length === 0) return;
    const { clock, decider } = this.#options;
    const shared = {
      body: this.#body,
      clock,
      timeoutMs: timeout.ms,
      idleTimeoutMs: decider.idleTimeoutMs(this.#info),
      waitingBytesMax: 4 * keptBytesMax,
    };
    this.#mirrors = mirrors.map((plan) => new Mirror({ ...shared, plan }));
    for (const mirror of this.#mirrors) mirror.begin();
  }

  // Sends on what waits; the client stops while it is more than a connection takes.
  #pump(): void {
    this.#call?.pump();
    for (const mirror of this.#mirrors) mirror.pump();
    this.#steer();
    if (!this.#hasResponseEnded || !this.#isThrough) return;
    this.#call?.end();
    this.#finish();
  }

  onForward(sent: RequestHead): void {
    for (const observer of this.#options.observers) observer.onForward?.(this.#info, sent);
  }

  onSentEnd(sent: RequestHead, status: number | undefined, failure: AttemptEnd["failure"]): void {
    for (const observer of this.#options.observers) {
      observer.onAttemptEnd?.(this.#info, sent, { status, failure });
    }
  }

  onFlow(): void {
    if (!this.#isOver) this.#pump();
  }

  #steer(): void {
    const call = this.#call;
    const waitingMax = Math.max(keptBytesMax, (this.#filters?.collectedMax ?? 0) + 1);
    const isWanted = call ? call.wantsMore(waitingMax) : this.#body.bytes < waitingMax;
    if (isWanted === !this.#isPaused || this.#isOver) return;
    this.#isPaused = !isWanted;
    if (this.#isPaused) this.#client.pause();
    else this.#client.resume();
  }

  // From upstream.

  onInformational(head: ResponseHead): void {
    if (!this.#isOver) this.#client.sendInformational(head);
  }

  onResponse(head: ResponseHead, end: boolean): void {
    this.#timers.touch();
    // Anything else refuses the upgrade. (What HTTP/2 says instead, the codec has translated.)
    this.#isTunnel = this.#head?.upgrade !== undefined && head.status === 101;
    this.#plan?.finish(head);
    // First: whoever looks on hears of the attempt's end before the request's.
    if (end) this.#call?.end();
    this.#response.sendHead(head, end);
  }

  onResponseData(chunk: Uint8Array, end: boolean): void {
    this.#timers.touch();
    if (end) this.#endCall();
    const isWritable = this.#response.sendData(chunk, end);
    if (!end && !isWritable) this.#call?.pauseResponse();
  }

  onResponseTrailers(fields: Fields): void {
    this.#endCall();
    this.#response.sendTrailers(fields);
  }

  #endCall(): void {
    if (this.#isThrough) this.#call?.end();
  }

  // A tunnel has two ends: what the client says is wanted to its last byte.
  get #isThrough(): boolean {
    return !this.#isTunnel || this.#body.isDrained;
  }

  onFailed(reply: LocalReply): void {
    if (!this.#isOver) this.#reply(reply);
  }

  onBroken(reason: ResetReason, flag: ResponseFlag, detail: string): void {
    if (!this.#isOver) this.#break(reason, flag, detail);
  }

  // To the client, along the response's path and at its end.

  editHead(head: ResponseHead): void {
    this.#options.decider.edit(head, this.#info);
  }

  sendHead(head: ResponseHead, end: boolean): void {
    if (this.#isOver) return;
    this.#options.decider.sign(head);
    this.#info.responseBegan(head);
    if (end) this.#endResponse();
    this.#client.sendHead(head, end);
  }

  sendData(chunk: Uint8Array, end: boolean): boolean {
    if (this.#isOver) return true;
    this.#info.bytesSent += chunk.length;
    if (end) this.#endResponse();
    return this.#client.sendData(chunk, end);
  }

  sendTrailers(fields: Fields): void {
    if (this.#isOver) return;
    this.#info.trailers = fields;
    this.#endResponse();
    this.#client.sendTrailers(fields);
  }

  // The end.

  #onRequestEnd(): void {
    this.#info.requestEnded();
    if (this.#head?.upgrade !== undefined || this.#plan?.timeout.from === "head") return;
    this.#timers.boundResponse(this.#plan?.timeout.ms ?? 0);
  }

  #endResponse(): void {
    this.#hasResponseEnded = true;
    if (this.#isThrough) this.#finish();
  }

  onLate(reason: LateReason): void {
    if (this.#isOver) return;
    if (reason === "idle") this.#options.numbers.idleTimeouts++;
    if (reason === "response") this.#call?.timeOut();
    const reply = lateReply(reason, this.#info.requestDurationMs !== undefined);
    const { flag = "LR", details = "" } = reply;
    if (this.#info.response === undefined) return this.#reply(reply);
    this.#call?.abandon("local");
    this.#break("overload", flag, details);
  }

  #reply(reply: LocalReply): void {
    const info = this.#info;
    if (reply.flag !== undefined) info.flags.add(reply.flag);
    info.responseCodeDetails = reply.details;
    this.#options.numbers.failures += reply.status >= 500 ? 1 : 0;
    this.#call?.abandon("local");
    sendLocalReply(this.#response, this.#head!, reply);
  }

  #break(reason: ResetReason, flag: ResponseFlag, details: string): void {
    this.#options.numbers.failures++;
    this.#info.flags.add(flag);
    this.#info.responseCodeDetails = details;
    this.#finish();
    this.#client.reset(reason);
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const info = this.#info;
    this.#options.numbers.active--;
    this.#timers[Symbol.dispose]();
    if (!this.#hasResponseEnded) this.#response.abort();
    if (!this.#body.hasEnded) for (const mirror of this.#mirrors) mirror.abandon();
    info.ended();
    this.#filters?.[Symbol.dispose]();
    for (const observer of this.#options.observers) observer.onEnd(info);
  }
}

const resetFlags: Partial<Record<ResetReason, ResponseFlag>> = {
  "protocol-error": "DPE",
  overload: "SI",
};
