// One attempt at a gRPC call, and what it has answered so far.
import type { InterceptingListener, Metadata, NextCall, StatusObject } from "@grpc/grpc-js";

/** The call below an interceptor. */
export type LowerCall = ReturnType<NextCall>;

/** What an attempt came to. */
export interface Answer {
  /** Headers, where there were any. */
  metadata: Metadata | undefined;
  /** The response of a method that has one; held here until the attempt is the one that counts. */
  message: { value: unknown } | undefined;
  /** How it ended. */
  status: StatusObject;
}

/** Whoever takes the responses of a stream as they come. */
export interface StreamReceiver {
  /** Headers: from here on this attempt is the one that counts. False: another one is already. */
  commit(attempt: GrpcAttempt): boolean;
  /** A response. */
  message(value: unknown): void;
}

/** Listens to one lower call. `answer` resolves when its status has come, whatever it is. */
export class GrpcAttempt implements InterceptingListener {
  readonly lower: LowerCall;
  readonly answer: Promise<Answer>;
  metadata: Metadata | undefined;
  readonly #receiver: StreamReceiver | undefined;
  readonly #resolve: (answer: Answer) => void;
  #message: { value: unknown } | undefined;
  #committed = false;

  /** Without a receiver, everything is held until the end. */
  constructor(lower: LowerCall, receiver: StreamReceiver | undefined) {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.lower = lower;
    this.answer = promise;
    this.#resolve = resolve;
    this.#receiver = receiver;
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.metadata = metadata;
    if (this.#receiver !== undefined) this.#commit(this.#receiver);
  }

  onReceiveMessage(value: unknown): void {
    if (this.#receiver === undefined) this.#message = { value };
    else if (this.#commit(this.#receiver)) this.#receiver.message(value);
  }

  onReceiveStatus(status: StatusObject): void {
    this.#resolve({ metadata: this.metadata, message: this.#message, status });
  }

  #commit(receiver: StreamReceiver): boolean {
    this.#committed ||= receiver.commit(this);
    return this.#committed;
  }
}
