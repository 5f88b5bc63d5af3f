// One try of a request: a host, a connection to it, a stream on that. It sends what there is of the
// request, keeps the host's numbers, and tells its owner what comes; once it is over it tells
// nothing more.
import type { Clock } from "@compendium/runtime";
import type { Breakers } from "../cluster/breakers.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type {
  ClientConnection,
  ClientStream,
  RequestHead,
  ResetReason,
  ResponseHead,
  ResponseReceiver,
} from "../codec/codec.ts";
import type { Fields } from "../codec/fields.ts";
import { isGrpc } from "../match/route-table.ts";
import type { PoolEvents, PoolFailure } from "../upstream/connection-pool.ts";
import type { Destination } from "../upstream/upstream-cluster.ts";
import type { TryTimeout } from "./failure-replies.ts";
import { statusOfGrpcAnswer } from "./grpc-status.ts";
import type { AttemptEnd } from "./observer.ts";
import type { BodyReader, RequestBody } from "./request-body.ts";
import { IdleTimer, Timer } from "./timer.ts";

/** Whom an attempt is for. */
export interface AttemptOwner {
  /** A stream is there: the head that is to be sent on it. */
  headFor(attempt: Attempt): RequestHead;
  onInformational(attempt: Attempt, head: ResponseHead): void;
  onResponse(attempt: Attempt, head: ResponseHead, end: boolean): void;
  onResponseData(attempt: Attempt, chunk: Uint8Array, end: boolean): void;
  onResponseTrailers(attempt: Attempt, fields: Fields): void;
  /** Whether more of the request may be sent has changed: `attempt.isWritable`. */
  onFlow(attempt: Attempt): void;
  /** It has taken longer than a single try may. It goes on until it is told otherwise. */
  onTryTimeout(attempt: Attempt, timeout: TryTimeout): void;
  onFailed(attempt: Attempt, failure: Failure): void;
  /** It is over, after it had sent this head; before `onFailed`, where that follows. */
  onSentEnd(head: RequestHead, status: number | undefined, failure: AttemptEnd["failure"]): void;
}

/** Why an attempt brought nothing, or not all. */
export interface Failure {
  readonly reason: ResetReason | PoolFailure;
  readonly detail: string;
  /** A request had been on its connection before. */
  readonly isReused: boolean;
  readonly hasSentHead: boolean;
  readonly hasResponse: boolean;
}

/** What an attempt is made of. */
export interface AttemptOptions {
  readonly owner: AttemptOwner;
  readonly destination: Destination;
  readonly body: RequestBody;
  readonly breakers: Breakers;
  readonly clock: Clock;
  /** Whether the breaker has granted it as a retry, and is to be told of its end. */
  readonly isRetry: boolean;
  /** From the end of the request, once there is a stream, to the response's head; 0: no bound. */
  readonly timeoutMs: number;
  /** From the same moment on, without a byte in either direction; 0: no bound. */
  readonly idleTimeoutMs: number;
}

// What an upstream may say before its answer, in all: as much as the answer's own head. Hints have
// no flow control, and would be kept here for a client that does not read.
const interimBytesMax = 61_440;
const interimOverheadBytes = 32;

/** One request on one connection. */
export class Attempt implements ResponseReceiver, PoolEvents {
  readonly destination: Destination;
  readonly #options: AttemptOptions;
  readonly #reader: BodyReader;
  readonly #beganAtMs: number;
  readonly #timer: Timer;
  #idle: IdleTimer | undefined;
  #wish: Disposable | undefined;
  #stream: ClientStream | undefined;
  #head: RequestHead | undefined;
  // As it came, and what it stands for: gRPC's own statuses are as good as HTTP's.
  #sentStatus: number | undefined;
  #status: number | undefined;
  #isGrpc = false;
  #isReused = false;
  #isWritable = true;
  #interimBytes = 0;
  // The request is whole, and its time runs.
  #isTimed = false;
  // Its time has passed, and somebody lets it go on nevertheless.
  #isLate = false;
  // Whether the breaker has let it through, and is to be told of its end.
  #isCounted = false;
  #isOver = false;

  constructor(options: AttemptOptions) {
    const { destination, clock, body } = options;
    this.destination = destination;
    this.#options = options;
    this.#reader = body.read();
    this.#timer = new Timer(clock);
    this.#beganAtMs = clock.now();
    destination.cluster.begin(destination.host);
  }

  /** Asks for a connection; what comes of it may come at once. */
  begin(isFresh: boolean): void {
    this.#isCounted = this.#options.breakers.take("requests");
    if (!this.#isCounted) return this.#fail("overflow", "too many requests are under way");
    this.#wish = this.destination.pool.acquire(this, isFresh);
  }

  /** Whether its response's head has come. */
  get hasResponse(): boolean {
    return this.#status !== undefined;
  }

  /** Whether more of the request may be sent now. */
  get isWritable(): boolean {
    return this.#isWritable;
  }

  /** Whether there is a connection. */
  get isConnected(): boolean {
    return this.#stream !== undefined;
  }

  /** Sends what there is of the body. */
  pump(): void {
    if (this.#stream === undefined || this.#isOver) return;
    if (this.#isWritable) this.#isWritable = this.#reader.sendTo(this.#stream);
    if (this.#options.body.hasEnded && !this.#isTimed) this.#startTime();
  }

  /** Stops and lets go on what comes from upstream. */
  pause(): void {
    this.#stream?.pause();
  }

  resume(): void {
    this.#stream?.resume();
  }

  onReady(connection: ClientConnection, isReused: boolean): void {
    const { owner, body } = this.#options;
    this.#isReused = isReused;
    this.#stream = connection.start(this);
    const head = owner.headFor(this);
    this.#head = head;
    this.#isGrpc = isGrpc(head);
    this.#stream.sendHead(head, body.isEmpty);
    this.pump();
    owner.onFlow(this);
  }

  // How fast a client uploads is not upstream's doing: the time runs from the request's end.
  #startTime(): void {
    const { clock, timeoutMs, idleTimeoutMs } = this.#options;
    this.#isTimed = true;
    if (this.#status === undefined) this.#timer.set(timeoutMs, () => this.#onTimeout("time"));
    if (idleTimeoutMs === 0) return;
    this.#idle = new IdleTimer(clock, idleTimeoutMs, () => this.#onTimeout("idle"));
  }

  #onTimeout(timeout: TryTimeout): void {
    if (this.#isOver) return;
    this.#isLate = true;
    this.#options.owner.onTryTimeout(this, timeout);
  }

  onInformational(head: ResponseHead): void {
    if (this.#isOver) return;
    this.#idle?.touch();
    this.#interimBytes += interimOverheadBytes;
    for (const text of head.fields.flat) this.#interimBytes += text.length;
    if (this.#interimBytes <= interimBytesMax) {
      this.#options.owner.onInformational(this, head);
      return;
    }
    this.#stream?.reset("overload");
    this.#fail("protocol-error", "upstream sends interim answers without end");
  }

  onHead(head: ResponseHead, end: boolean): void {
    if (this.#isOver) return;
    this.#timer.stop();
    this.#idle?.touch();
    this.#sentStatus = head.status;
    this.#status = this.#isGrpc ? statusOfGrpcAnswer(head) : head.status;
    this.#options.owner.onResponse(this, head, end);
  }

  onData(chunk: Uint8Array, end: boolean): void {
    if (this.#isOver) return;
    this.#idle?.touch();
    this.#options.owner.onResponseData(this, chunk, end);
  }

  onTrailers(fields: Fields): void {
    if (!this.#isOver) this.#options.owner.onResponseTrailers(this, fields);
  }

  onWritable(): void {
    if (this.#isOver) return;
    this.#isWritable = true;
    this.#options.owner.onFlow(this);
  }

  onReset(reason: ResetReason, detail: string): void {
    this.#fail(reason, detail);
  }

  onFailed(failure: PoolFailure, detail: string): void {
    this.#fail(failure, detail);
  }

  /** The response has ended; without the request's end the stream is of no use any more. */
  end(): void {
    if (this.#reader.hasEnded) this.#close(this.#status ?? "cancelled");
    else this.abandon("local");
  }

  /** Nobody waits for it. That it has brought a status, or was late, counts nevertheless. */
  abandon(reason: ResetReason): void {
    this.#abandon(reason, this.#status ?? (this.#isLate ? "timed-out" : "cancelled"));
  }

  /** It took too long. */
  timeOut(): void {
    this.#isLate = true;
    this.abandon("local");
  }

  #abandon(reason: ResetReason, outcome: Outcome): void {
    if (this.#isOver) return;
    this.#close(outcome);
    this.#wish?.[Symbol.dispose]();
    this.#stream?.reset(reason);
  }

  #fail(reason: ResetReason | PoolFailure, detail: string): void {
    if (this.#isOver) return;
    const hasResponse = this.#status !== undefined;
    this.#close(outcomeOf(reason));
    const hasSentHead = this.#stream !== undefined;
    const isReused = this.#isReused;
    this.#options.owner.onFailed(this, { reason, detail, isReused, hasSentHead, hasResponse });
  }

  #close(outcome: Outcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer.stop();
    this.#idle?.[Symbol.dispose]();
    this.#reader[Symbol.dispose]();
    const { cluster, host } = this.destination;
    const { owner, breakers, isRetry, clock } = this.#options;
    if (this.#isCounted) breakers.give("requests");
    if (isRetry) breakers.give("retries");
    cluster.end(host, outcome, clock.now() - this.#beganAtMs);
    if (this.#head !== undefined) owner.onSentEnd(this.#head, this.#sentStatus, failureOf(outcome));
  }
}

type Outcome = Parameters<Cluster["end"]>[1];

function failureOf(outcome: Outcome): AttemptEnd["failure"] {
  return outcome === "cancelled" || outcome === "timed-out" || outcome === "failed"
    ? outcome
    : undefined;
}

function outcomeOf(reason: ResetReason | PoolFailure): Outcome {
  switch (reason) {
    case "connect-failure":
      return "connect-failed";
    case "connect-timeout":
    case "overload":
      return "timed-out";
    case "overflow":
    case "closed":
    case "local":
      return "cancelled";
    default:
      return "failed";
  }
}
