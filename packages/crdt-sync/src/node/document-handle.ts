// A document of a node, as its user holds it.
import type { CausalContext } from "@compendium/crdt";
import type { Clock } from "@compendium/runtime";
import type { DocumentStats, SharedDocument } from "../core/document.ts";
import type { Presence } from "../core/presence.ts";

/** A document that is kept in sync. */
export class DocumentHandle implements AsyncDisposable {
  /** Its name. */
  readonly name: string;
  readonly #document: SharedDocument;
  readonly #clock: Clock;
  readonly #durable: () => Promise<void>;
  readonly #close: () => Promise<void>;

  constructor(
    document: SharedDocument,
    clock: Clock,
    { durable, close }: { durable: () => Promise<void>; close: () => Promise<void> },
  ) {
    this.name = document.name;
    this.#document = document;
    this.#clock = clock;
    this.#durable = durable;
    this.#close = close;
  }

  /** Edits the replica, and has that written at once. All edits of a turn are sent together. */
  change<T>(edit: () => T): T {
    try {
      return edit();
    } finally {
      this.changed();
    }
  }

  /** The replica was edited. All of `@compendium/crdt` say so themselves, when a turn is over. */
  changed(): void {
    this.#document.changed();
  }

  /**
   * Settles when all that is known here now is on disk, at once where there is none: an edit may be
   * acknowledged then, whatever befalls this process.
   *
   * @throws CrdtSyncError `SYNC_STORE` when the disk has failed
   */
  durable(): Promise<void> {
    return this.#durable();
  }

  /** Says where we are: any JSON of at most `presenceBytesMax`; undefined: no longer here. */
  setPresence(state: unknown): void {
    this.#document.presence.set(state, this.#clock.now());
    this.#document.onChanged?.();
  }

  /** All who are present, ourselves among them. */
  get presences(): Presence[] {
    return this.#document.presence.list();
  }

  /** The operations that every member is known to have. */
  stable(): CausalContext {
    return this.#document.stable();
  }

  /** Lets go what only operations could need that cannot come any more; whether there was any. */
  compact(): boolean {
    return this.#document.compact();
  }

  /** A fingerprint of the state. */
  digest(): string {
    return this.#document.digest();
  }

  /** Plain numbers. */
  stats(): DocumentStats {
    return this.#document.stats();
  }

  /** Keeps it in sync no longer, after what was done is durable. */
  close(): Promise<void> {
    return this.#close();
  }

  /** {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
