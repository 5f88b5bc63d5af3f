// Writes what the core wants durable, in order, and says when it is. While a batch is being synced,
// what is asked for meanwhile waits, and is the next batch: one sync for many appends.
//
// Three things can go wrong, and are told apart.
//
//   No space, or too much waiting    nothing was written. It is tried again, after a while; until
//                                    then the node is `isStuck`, and does not lead.
//   A disk that hangs                nobody knows. The node does not lead while it hangs too long.
//   A disk that fails                for ever: the node stops (WalError "WAL_FAILED").
//
// A leader that cannot write could go on committing on its followers' disks, but it cannot apply
// what it does not have, so its clients would wait while another could serve them.
import type { Clock } from "@compendium/runtime";
import type { Message } from "../core/message.ts";
import { isFull, WalError } from "../wal/errors.ts";
import type { WriteAheadLog } from "../wal/write-ahead-log.ts";
import type { NodeStorage } from "./storage.ts";

/** What a writer needs, and whom it tells. */
export interface LogWriterOptions {
  readonly wal: WriteAheadLog;
  readonly storage: NodeStorage;
  readonly clock: Clock;
  /** A "storage-append" is durable, and the core may be told. */
  readonly onWritten: (append: Message) => void;
  /** The disk has failed. Nothing is written any more. */
  readonly onFailure: (error: Error) => void;
}

// What is to be written: an append of the core, or all that was put off, and whom to tell.
type Write = { readonly append: Message } | { readonly onFlushed: () => void };

const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 5_000;
const BATCH_MAX = 1_024;

/** The append thread of a node. */
export class LogWriter {
  readonly #options: LogWriterOptions;
  #waiting: Write[] = [];
  #running = false;
  #ended = false;
  #busySinceMs: number | undefined;
  #retry: Disposable | undefined;
  #retryMs = RETRY_MS_MIN;
  #retries = 0;

  constructor(options: LogWriterOptions) {
    this.#options = options;
  }

  /** Whether writes are refused for now. */
  get isStuck(): boolean {
    return this.#retry !== undefined || this.#retryMs > RETRY_MS_MIN;
  }

  /** How many writes wait behind the one under way. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** For how long the write under way has been, in milliseconds; 0 if there is none. */
  get busyMs(): number {
    if (this.#busySinceMs === undefined) return 0;
    return this.#options.clock.now() - this.#busySinceMs;
  }

  /** How often a write was refused, and tried again. */
  get retries(): number {
    return this.#retries;
  }

  /** Takes a "storage-append". */
  write(append: Message): void {
    this.#add({ append });
  }

  /** Makes the commit index durable, too, which otherwise waits for the next entries. */
  flush(onFlushed: () => void): void {
    this.#add({ onFlushed });
  }

  #add(write: Write): void {
    if (this.#ended) return;
    this.#waiting.push(write);
    if (!this.#running && this.#retry === undefined) void this.#run();
  }

  /** Writes nothing more. */
  end(): void {
    this.#ended = true;
    this.#waiting = [];
    this.#retry?.[Symbol.dispose]();
    this.#retry = undefined;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0 && !this.#ended) {
      const batch = this.#take();
      this.#busySinceMs = this.#options.clock.now();
      const refusal = await this.#writeAll(batch);
      this.#busySinceMs = undefined;
      if (refusal !== undefined) {
        if (!this.#ended) this.#refused(refusal);
        break;
      }
      this.#retryMs = RETRY_MS_MIN;
    }
    this.#running = false;
  }

  // A snapshot replaces the log that appends before it went to: it is a batch for itself.
  #take(): Write[] {
    const at = this.#waiting.findIndex(
      (write) => "append" in write && write.append.snapshot !== undefined,
    );
    const count = at === -1 ? this.#waiting.length : Math.max(1, at);
    return this.#waiting.splice(0, Math.min(count, BATCH_MAX));
  }

  // What was not written goes back to the front, in order.
  async #writeAll(batch: readonly Write[]): Promise<unknown> {
    const { storage, onWritten } = this.#options;
    const results = await Promise.allSettled(batch.map((write) => this.#write(write)));
    const refused = results.findIndex(({ status }) => status === "rejected");
    const written = refused === -1 ? batch : batch.slice(0, refused);
    for (const write of written) {
      if (this.#ended) return undefined;
      if ("onFlushed" in write) {
        write.onFlushed();
        continue;
      }
      const { term, vote, commit, entries, snapshot } = write.append;
      if (snapshot !== undefined) storage.applySnapshot(snapshot);
      if (term > 0) storage.setHardState({ term, vote, commit });
      storage.append(entries);
      onWritten(write.append);
    }
    if (refused === -1) return undefined;
    this.#waiting.unshift(...batch.slice(refused));
    return (results[refused] as PromiseRejectedResult).reason;
  }

  async #write(write: Write): Promise<void> {
    const { wal } = this.#options;
    if ("onFlushed" in write) return await wal.flush();
    const { term, vote, commit, entries, snapshot } = write.append;
    const hardState = term > 0 ? { term, vote, commit } : undefined;
    if (snapshot !== undefined) await wal.saveSnapshot(snapshot, hardState);
    await wal.append(entries, snapshot === undefined ? hardState : undefined);
  }

  #refused(reason: unknown): void {
    const { clock, onFailure } = this.#options;
    const code = reason instanceof WalError ? reason.code : undefined;
    if (code !== "WAL_FULL" && code !== "WAL_BACKLOG" && !isFull(reason)) {
      this.end();
      onFailure(reason instanceof Error ? reason : new Error(String(reason)));
      return;
    }
    this.#retries++;
    this.#retry = clock.setTimer(clock.now() + this.#retryMs, () => {
      this.#retry = undefined;
      void this.#run();
    });
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS_MAX);
  }
}
