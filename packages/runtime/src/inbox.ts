// The receiving half of a link: messages arrive when they like and are taken when someone iterates.
// Between the two stands a queue with a limit. It does not drop; it says that it is full, and says
// when it has room again, and whoever feeds it stops reading from the network meanwhile. So a slow
// receiver costs a bounded amount of memory, and its peer feels it.
//
// Left out: several consumers. Which of them gets a message would be chance.

/** Options of {@link Inbox}. */
export interface InboxOptions {
  /** The bytes of waiting messages at which the inbox calls itself full: at least 1. */
  bytesMax: number;
  /** Called when an inbox that was full is at most half full: feed it again. */
  onRoom: () => void;
}

// What a waiting message costs beside its bytes; else empty messages would be free, and endless.
const MESSAGE_OVERHEAD_BYTES = 64;

/** Messages that wait to be iterated over, for implementations of a link. */
export class Inbox implements AsyncIterable<Uint8Array> {
  readonly #options: InboxOptions;

  // Invariant: what waits is messages[head..]; messages before head are undefined.
  #messages: (Uint8Array | undefined)[] = [];
  #head = 0;
  #bytes = 0;
  #full = false;

  #ended = false;
  #fault: Error | undefined;
  #iterating = false;
  // Invariant: at most one of "someone waits" and "something waits" holds.
  #waiting: PromiseWithResolvers<IteratorResult<Uint8Array, undefined>> | undefined;

  constructor(options: InboxOptions) {
    if (!(options.bytesMax >= 1)) {
      throw new RangeError(`bytesMax must be at least 1, got ${options.bytesMax}`);
    }
    this.#options = options;
  }

  /** Adds a message. False when the inbox is full now: stop until `onRoom`. */
  push(message: Uint8Array): boolean {
    if (this.#ended) return true;
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#waiting = undefined;
      waiting.resolve({ done: false, value: message });
      return true;
    }
    this.#messages.push(message);
    this.#bytes += message.length + MESSAGE_OVERHEAD_BYTES;
    this.#full ||= this.#bytes >= this.#options.bytesMax;
    return !this.#full;
  }

  /**
   * Ends the iteration once all that waits has been taken: with `fault` thrown, if there is one.
   */
  end(fault?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#fault = fault;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(this.#finish());
  }

  /** Ends the iteration now; what waits is dropped. */
  discard(): void {
    this.end();
    this.#fault = undefined;
    this.#messages = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  /**
   * Takes messages as they come. After a `break`, another iteration continues behind the last one.
   *
   * @throws TypeError while another iteration is under way
   */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    if (this.#iterating) throw new TypeError("one iteration at a time");
    this.#iterating = true;
    const finish = async (): Promise<IteratorReturnResult<undefined>> => {
      this.#iterating = false;
      return { done: true, value: undefined };
    };
    return { next: () => this.#next(), return: finish };
  }

  #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#head < this.#messages.length) {
      return Promise.resolve({ done: false, value: this.#take() });
    }
    if (this.#ended) return this.#finish();
    if (this.#waiting !== undefined) {
      return Promise.reject(new TypeError("next() must not be called before the last has settled"));
    }
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  // A fault is thrown once; who iterates again after it finds the end.
  async #finish(): Promise<IteratorResult<Uint8Array, undefined>> {
    const fault = this.#fault;
    this.#fault = undefined;
    this.#iterating = false;
    if (fault !== undefined) throw fault;
    return { done: true, value: undefined };
  }

  #take(): Uint8Array {
    const message = this.#messages[this.#head] as Uint8Array;
    this.#messages[this.#head++] = undefined;
    this.#bytes -= message.length + MESSAGE_OVERHEAD_BYTES;
    // Moving the rest forward only when half is gone keeps a take at O(1) on average.
    if (this.#head * 2 > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#head);
      this.#head = 0;
    }
    if (this.#full && this.#bytes * 2 <= this.#options.bytesMax) {
      this.#full = false;
      if (!this.#ended) this.#options.onRoom();
    }
    return message;
  }
}
