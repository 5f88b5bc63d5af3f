// The decisions of one turn for one slot: what they are in the script's words, and who waits for
// which of them.
import {
  decodeReply,
  encodeToken,
  REPLY_BYTES,
  type Reply,
  type Request,
} from "./redis-protocol.ts";

interface Waiter {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/** The arguments of a call. */
export interface BatchArguments {
  readonly keys: readonly string[];
  readonly rules: string;
  readonly decisions: string;
}

/** Decisions that travel together. */
export class Batch {
  /** When it was sent, on the store's clock. */
  sentAtMs = 0;
  /** Who is asked, in a cluster: "host:port"; else empty. */
  node = "";
  /** Ends it if nobody else does. */
  timer: Disposable | undefined;
  readonly #keys: string[] = [];
  readonly #decisions: string[] = [];
  // Lists of rules, each sent once, and their numbers, from 1.
  readonly #lists = new Map<string, number>();
  #waiters: Waiter[] = [];
  #hasEnded = false;

  /** How many decisions. */
  get size(): number {
    return this.#waiters.length;
  }

  /** Whether everybody has been told. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  add(
    { tokens, keys }: Request,
    resolve: (reply: Reply) => void,
    reject: (e: Error) => void,
  ): void {
    for (const key of keys) this.#keys.push(key);
    if (tokens.length > 1) this.#decisions.push(`g,${tokens.length}`);
    for (const token of tokens) {
      let list = this.#lists.get(token.rules);
      if (list === undefined) {
        list = this.#lists.size + 1;
        this.#lists.set(token.rules, list);
      }
      this.#decisions.push(encodeToken(token, list));
    }
    this.#waiters.push({ resolve, reject });
  }

  toArguments(): BatchArguments {
    const rules = [...this.#lists.keys()].join(";");
    return { keys: this.#keys, rules, decisions: this.#decisions.join(" ") };
  }

  /** Tells everybody what the script has answered; `failed` makes the error of a decision. */
  answer(answer: unknown, failed: (reason: string) => Error): void {
    if (this.#hasEnded) return;
    const [bytes, reason] = answer as [Buffer, Buffer?];
    // All are read before anybody is told: an answer that makes no sense throws, and fails all.
    const replies = this.#waiters.map((_, i) => decodeReply(bytes, i * REPLY_BYTES));
    for (const [i, { resolve, reject }] of this.#end().entries()) {
      const reply = replies[i];
      if (reply === undefined) reject(failed(String(reason)));
      else resolve(reply);
    }
  }

  /** Tells everybody that there is no answer. Returns how many were told. */
  fail(error: Error): number {
    const waiters = this.#end();
    for (const { reject } of waiters) reject(error);
    return waiters.length;
  }

  #end(): Waiter[] {
    const waiters = this.#waiters;
    this.#waiters = [];
    this.#hasEnded = true;
    this.timer?.[Symbol.dispose]();
    return waiters;
  }
}
