// Writes ahead. What a document has gained since the last record is one record more; while it is
// being written the next gathers, so that a burst of edits costs a few syncs and not one each. A
// record holds what `since` gives, and who has written: loading is merging.
import { CausalContext } from "@compendium/crdt";
import type { SharedDocument } from "../core/document.ts";
import { Writers } from "../core/writers.ts";
import { CrdtSyncError } from "../errors.ts";
import type { Journal } from "../store/store.ts";
import { Reader, Writer } from "../wire/bytes.ts";

// A log is written anew when it is four times as long as when it was last.
const REWRITE_FACTOR = 4;

/** What a persister tells. */
export interface PersisterHost {
  /** How long a log must be at least before it is written anew. */
  readonly rewriteBytes: number;
  /** Something has become durable. */
  onDurable(): void;
  /** The disk failed: nothing will become durable any more. */
  onFailed(error: CrdtSyncError): void;
}

/** Keeps one document on disk. */
export class Persister {
  readonly #document: SharedDocument;
  readonly #journal: Journal;
  readonly #host: PersisterHost;
  #logged: CausalContext;
  #lives: ReadonlyMap<string, number>;
  #rewriteAtBytes: number;
  #writing: Promise<void> | undefined;
  #hasFailed = false;

  private constructor(document: SharedDocument, journal: Journal, host: PersisterHost) {
    this.#document = document;
    this.#journal = journal;
    this.#host = host;
    this.#logged = document.observe().copy();
    this.#lives = document.writers.counts();
    this.#rewriteAtBytes = Math.max(host.rewriteBytes, REWRITE_FACTOR * journal.bytes);
    document.durableRevision = document.revision;
  }

  /**
   * Loads what the journal has into the document, which must be empty.
   *
   * @throws CrdtSyncError `SYNC_LOG_CORRUPT` when the replica does not take it
   */
  static load(document: SharedDocument, journal: Journal, host: PersisterHost): Persister {
    try {
      for (const record of journal.found) {
        const reader = new Reader(record);
        const writers = Writers.read(reader);
        document.replicated.merge(reader.blob());
        reader.finish();
        document.writers.join(writers);
      }
    } catch (cause) {
      const message = `${document.name}: a record cannot be merged`;
      throw new CrdtSyncError("SYNC_LOG_CORRUPT", message, { cause });
    }
    document.restored();
    return new Persister(document, journal, host);
  }

  /** How many bytes the log takes. */
  get bytes(): number {
    return this.#journal.bytes;
  }

  /** Writes what is new, unless it is about to. */
  kick(): void {
    if (this.#writing !== undefined || this.#hasFailed) return;
    this.#document.observe();
    if (this.#document.revision <= this.#document.durableRevision) return;
    this.#writing = this.#write().then(() => {
      this.#writing = undefined;
      this.kick();
    });
  }

  /** Waits for what is under way, and closes the journal. */
  async close(): Promise<void> {
    this.kick();
    while (this.#writing !== undefined) await this.#writing;
    await this.#journal.close();
  }

  async #write(): Promise<void> {
    const { revision } = this.#document;
    const rewrite = this.#journal.bytes >= this.#rewriteAtBytes;
    const record = rewrite
      ? this.#record(new CausalContext(), new Map())
      : this.#record(this.#logged, this.#lives);
    this.#logged = this.#document.observe().copy();
    this.#lives = this.#document.writers.counts();
    try {
      if (rewrite) await this.#journal.replace(record);
      else await this.#journal.append(record);
    } catch (cause) {
      this.#hasFailed = true;
      const message = `${this.#document.name}: what was done can not be kept`;
      return this.#host.onFailed(new CrdtSyncError("SYNC_STORE", message, { cause }));
    }
    if (rewrite) {
      this.#rewriteAtBytes = Math.max(this.#host.rewriteBytes, REWRITE_FACTOR * this.bytes);
    }
    this.#document.durableRevision = revision;
    this.#host.onDurable();
  }

  #record(version: CausalContext, lives: ReadonlyMap<string, number>): Uint8Array {
    const writer = new Writer();
    this.#document.writers.since(lives).write(writer);
    return writer.blob(this.#document.replicated.since(version)).done();
  }
}
