// One request on its way: a stream from downstream, a route, a host, a stream to upstream, and the
// parts that go from each to the other. It pauses the faster side, and sends the request again only
// where that cannot be noticed: where upstream says that it has not touched it, or where a used
// connection closed without a byte of response, as it does when the server's idle timer and the
// request cross (RFC 9112 §9.3.1).
import type { Clock } from "@compendium/runtime";
import type { Host } from "../cluster/host.ts";
import type {
  ClientStream,
  RequestHead,
  ResetReason,
  ResponseHead,
  ServerStream,
  StreamReceiver,
} from "../codec/codec.ts";
import type { Fields } from "../codec/fields.ts";
import type { Destination } from "../upstream/upstream-cluster.ts";
import { Attempt, type AttemptOwner, type Failure } from "./attempt.ts";
import { type LocalReply, sendLocalReply } from "./local-reply.ts";
import { RequestBody } from "./request-body.ts";

/** What becomes of a request, decided by its head. */
export type Decision =
  | { readonly kind: "reply"; readonly reply: LocalReply }
  | {
      readonly kind: "forward";
      /** As it is sent. */
      readonly head: RequestHead;
      /** A host that this request has not tried, or the same again if there is no other. */
      readonly choose: (tried: (host: Host) => boolean) => Destination | undefined;
      /** From the end of the request to the end of the response; 0: none. */
      readonly timeoutMs: number;
    };

/** Plain numbers, shared by all exchanges of a listener. */
export interface ExchangeNumbers {
  active: number;
  requests: number;
  /** Sent again, because a connection closed in between or upstream refused. */
  repeated: number;
  /** The client went away before the response had ended. */
  cancelled: number;
  /** Answers from here, and responses cut short. */
  failures: number;
}

/** What an exchange is made of. */
export interface ExchangeOptions {
  readonly clock: Clock;
  readonly numbers: ExchangeNumbers;
  /** How long a request may take to arrive; 0: no bound. */
  readonly requestTimeoutMs: number;
  readonly decide: (head: RequestHead, stream: ServerStream) => Decision;
  /** What is done to the head of each response, wherever it comes from. */
  readonly sign: (head: ResponseHead) => void;
}

// What a request may be kept of to be sent again, and what may wait while a connection opens.
const keptBytesMax = 65_536;

// Methods that mean the same once and twice (RFC 9110 §9.2.2).
const idempotent: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PUT",
  "DELETE",
]);

/** One request and its response. */
export class Exchange implements StreamReceiver<RequestHead>, AttemptOwner {
  readonly #options: ExchangeOptions;
  readonly #downstream: ServerStream;
  readonly #body = new RequestBody(keptBytesMax);
  readonly #tried = new Set<Host>();
  #head: RequestHead | undefined;
  #forward: (Decision & { kind: "forward" }) | undefined;
  #attempt: Attempt | undefined;
  #timer: Disposable | undefined;
  #isPaused = false;
  #isOver = false;
  #hasResponseEnded = false;
  #repeats = 0;

  constructor(downstream: ServerStream, options: ExchangeOptions) {
    this.#downstream = downstream;
    this.#options = options;
    options.numbers.active++;
    options.numbers.requests++;
  }

  // From downstream.

  onHead(head: RequestHead, end: boolean): void {
    this.#head = head;
    if (end) this.#body.endWithHead();
    const decision = this.#options.decide(head, this.#downstream);
    if (decision.kind === "reply") return this.#reply(decision.reply);
    this.#forward = decision;
    if (head.upgrade !== undefined) this.#body.stopKeeping();
    else if (end) this.#startTimer(decision.timeoutMs, this.#onTimeout);
    else this.#startTimer(this.#options.requestTimeoutMs, this.#onRequestTimeout);
    this.#try(false);
  }

  onData(chunk: Uint8Array, end: boolean): void {
    if (this.#isOver) return;
    this.#body.addData(chunk, end);
    if (end && this.#head?.upgrade === undefined) this.#onRequestEnd();
    this.#pump();
    if (end && this.#hasResponseEnded) {
      this.#finish();
      this.#attempt?.end(true);
    }
  }

  onTrailers(fields: Fields): void {
    if (this.#isOver) return;
    this.#body.addTrailers(fields);
    this.#onRequestEnd();
    this.#pump();
  }

  onReset(reason: ResetReason, _detail: string): void {
    if (this.#isOver) return;
    this.#options.numbers.cancelled++;
    this.#finish();
    this.#attempt?.abandon(reason);
  }

  onWritable(): void {
    this.#attempt?.stream?.resume();
  }

  // Towards upstream.

  #try(isFresh: boolean): void {
    const destination = this.#forward!.choose((host) => this.#tried.has(host));
    if (destination === undefined) {
      return this.#reply({ status: 503, text: "no host of the cluster can be used" });
    }
    this.#tried.add(destination.host);
    this.#attempt = new Attempt(this, destination, this.#options.clock);
    this.#attempt.begin(isFresh);
  }

  onConnected(stream: ClientStream): void {
    const { head } = this.#forward!;
    stream.sendHead(head, this.#body.isEmpty);
    this.#pump();
  }

  // Sends on what waits; the client stops while it is more than a connection takes.
  #pump(): void {
    const stream = this.#attempt?.stream;
    const isWritable = stream ? this.#body.sendTo(stream) : this.#body.bytes < keptBytesMax;
    if (isWritable === !this.#isPaused) return;
    this.#isPaused = !isWritable;
    if (this.#isPaused) this.#downstream.pause();
    else this.#downstream.resume();
  }

  onUpstreamWritable(): void {
    if (this.#isOver || !this.#isPaused) return;
    this.#isPaused = false;
    this.#downstream.resume();
    this.#pump();
  }

  // From upstream.

  onInformational(head: ResponseHead): void {
    this.#downstream.sendInformational(head);
  }

  onResponse(head: ResponseHead, end: boolean): void {
    // From here on it is answered: nothing is sent again, nothing is kept.
    this.#body.stopKeeping();
    if (end) this.#finish();
    this.#options.sign(head);
    this.#downstream.sendHead(head, end);
    if (end) this.#attempt?.end(this.#body.hasEnded);
  }

  onResponseData(chunk: Uint8Array, end: boolean): void {
    if (end) this.#onResponseEnd();
    const isWritable = this.#downstream.sendData(chunk, end);
    if (!isWritable && !end) this.#attempt?.stream?.pause();
    if (this.#isOver) this.#attempt?.end(this.#body.hasEnded);
  }

  onResponseTrailers(fields: Fields): void {
    this.#finish();
    this.#downstream.sendTrailers(fields);
    this.#attempt?.end(this.#body.hasEnded);
  }

  onFailed(failure: Failure): void {
    if (this.#isOver) return;
    if (this.#mayRepeat(failure)) {
      this.#repeats++;
      this.#options.numbers.repeated++;
      this.#body.rewind();
      this.#try(failure.isReused);
    } else if (failure.hasResponse) {
      this.#options.numbers.failures++;
      this.#finish();
      this.#downstream.reset(failure.reason as ResetReason);
    } else {
      this.#reply(replyTo(failure));
    }
  }

  #mayRepeat({ reason, isReused, hasResponse }: Failure): boolean {
    const { head } = this.#forward!;
    if (hasResponse || this.#repeats > 0 || !this.#body.canRewind) return false;
    if (reason === "refused") return true;
    return reason === "connection-failure" && isReused && idempotent.has(head.method);
  }

  #reply(reply: LocalReply): void {
    this.#options.numbers.failures += reply.status >= 500 ? 1 : 0;
    this.#finish();
    sendLocalReply(this.#downstream, this.#head!, reply, this.#options.sign);
  }

  #onRequestEnd(): void {
    this.#startTimer(this.#forward?.timeoutMs ?? 0, this.#onTimeout);
  }

  // One timer at a time: for the request to arrive, then for the response.
  #startTimer(timeoutMs: number, onPassed: () => void): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    if (timeoutMs === 0 || this.#isOver) return;
    const { clock } = this.#options;
    this.#timer = clock.setTimer(clock.now() + timeoutMs, onPassed);
  }

  readonly #onRequestTimeout = (): void => {
    const attempt = this.#attempt;
    this.#giveUp({ status: 408, text: "the request did not arrive in time" });
    attempt?.abandon("local");
  };

  readonly #onTimeout = (): void => {
    const attempt = this.#attempt;
    this.#giveUp({ status: 504, text: "upstream did not answer in time", grpcStatus: 4 });
    attempt?.timeOut();
  };

  #giveUp(reply: LocalReply): void {
    if (!this.#attempt?.hasResponse) return this.#reply(reply);
    this.#options.numbers.failures++;
    this.#finish();
    this.#downstream.reset("overload");
  }

  // A tunnel has two ends: the other may go on.
  #onResponseEnd(): void {
    this.#hasResponseEnded = true;
    if (this.#head?.upgrade === undefined || this.#body.hasEnded) this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.numbers.active--;
    this.#timer?.[Symbol.dispose]();
  }
}

function replyTo({ reason }: Failure): LocalReply {
  switch (reason) {
    case "protocol-error":
      return { status: 502, text: "upstream sent what is not HTTP" };
    case "overload":
      return { status: 504, text: "upstream was silent for too long", grpcStatus: 4 };
    case "overflow":
      return { status: 503, text: "too many requests are under way to the cluster" };
    case "connect-timeout":
      return { status: 503, text: "no connection to upstream in time" };
    case "connect-failure":
      return { status: 503, text: "no connection to upstream" };
    default:
      return { status: 503, text: "upstream closed the connection before it answered" };
  }
}
