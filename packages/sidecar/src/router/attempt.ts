// One try of a request: a host, a connection to it, a stream on that. It keeps the host's numbers,
// and tells its owner what comes; once it is over it tells nothing more.
import type { Clock } from "@compendium/runtime";
import type { Cluster } from "../cluster/cluster.ts";
import type {
  ClientConnection,
  ClientStream,
  ResetReason,
  ResponseHead,
  ResponseReceiver,
} from "../codec/codec.ts";
import type { Fields } from "../codec/fields.ts";
import type { PoolFailure } from "../upstream/connection-pool.ts";
import type { Destination } from "../upstream/upstream-cluster.ts";

/** Whom an attempt is for. */
export interface AttemptOwner {
  /** There is a stream: the request may be sent on it. */
  onConnected(stream: ClientStream): void;
  onInformational(head: ResponseHead): void;
  onResponse(head: ResponseHead, end: boolean): void;
  onResponseData(chunk: Uint8Array, end: boolean): void;
  onResponseTrailers(fields: Fields): void;
  /** More of the request may be sent. */
  onUpstreamWritable(): void;
  onFailed(failure: Failure): void;
}

/** Why an attempt brought nothing. */
export interface Failure {
  readonly reason: ResetReason | PoolFailure;
  readonly isReused: boolean;
  readonly hasResponse: boolean;
}

/** One request on one connection. */
export class Attempt implements ResponseReceiver {
  readonly #owner: AttemptOwner;
  readonly #destination: Destination;
  readonly #clock: Clock;
  readonly #beganAtMs: number;
  #wish: Disposable | undefined;
  stream: ClientStream | undefined;
  #status: number | undefined;
  #isReused = false;
  // Whether the cluster's breaker has let it through, and is to be told of its end.
  #isCounted = false;
  #isOver = false;

  constructor(owner: AttemptOwner, destination: Destination, clock: Clock) {
    this.#owner = owner;
    this.#destination = destination;
    this.#clock = clock;
    this.#beganAtMs = clock.now();
    destination.cluster.begin(destination.host);
  }

  /** Asks for a connection; what comes of it may come at once. */
  begin(isFresh: boolean): void {
    const { cluster } = this.#destination;
    this.#isCounted = cluster.breakers.default.take("requests");
    if (!this.#isCounted) return this.#fail("overflow");
    this.#wish = this.#destination.pool.acquire(
      {
        onReady: (connection, isReused) => this.#onReady(connection, isReused),
        onFailed: (failure) => this.#fail(failure),
      },
      isFresh,
    );
  }

  #onReady(connection: ClientConnection, isReused: boolean): void {
    this.#isReused = isReused;
    this.stream = connection.start(this);
    this.#owner.onConnected(this.stream);
  }

  get hasResponse(): boolean {
    return this.#status !== undefined;
  }

  onInformational(head: ResponseHead): void {
    if (!this.#isOver) this.#owner.onInformational(head);
  }

  onHead(head: ResponseHead, end: boolean): void {
    if (this.#isOver) return;
    this.#status = head.status;
    this.#owner.onResponse(head, end);
  }

  onData(chunk: Uint8Array, end: boolean): void {
    if (!this.#isOver) this.#owner.onResponseData(chunk, end);
  }

  onTrailers(fields: Fields): void {
    if (!this.#isOver) this.#owner.onResponseTrailers(fields);
  }

  onWritable(): void {
    if (!this.#isOver) this.#owner.onUpstreamWritable();
  }

  onReset(reason: ResetReason): void {
    this.#fail(reason);
  }

  /** The response has ended; without the request's end the stream is of no use any more. */
  end(requestHasEnded: boolean): void {
    const status = this.#status ?? "cancelled";
    if (requestHasEnded) this.#close(status);
    else this.#abandon("local", status);
  }

  /** Nobody waits for it. */
  abandon(reason: ResetReason): void {
    this.#abandon(reason, "cancelled");
  }

  /** It took too long. */
  timeOut(): void {
    this.#abandon("local", "timed-out");
  }

  #abandon(reason: ResetReason, outcome: Outcome): void {
    if (this.#isOver) return;
    this.#close(outcome);
    this.#wish?.[Symbol.dispose]();
    this.stream?.reset(reason);
  }

  #fail(reason: ResetReason | PoolFailure): void {
    if (this.#isOver) return;
    this.#close(outcomeOf(reason));
    const { hasResponse } = this;
    this.#owner.onFailed({ reason, isReused: this.#isReused, hasResponse });
  }

  #close(outcome: Outcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { cluster, host } = this.#destination;
    if (this.#isCounted) cluster.breakers.default.give("requests");
    cluster.end(host, outcome, this.#clock.now() - this.#beganAtMs);
  }
}

type Outcome = Parameters<Cluster["end"]>[1];

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
