// Applies what is committed, in order (etcd's apply thread): entry by entry to the replicated
// state, and then tells the core, which hands out the next.
//
// A change of the group waits for one thing more. A member must not forget, in a crash, that a
// change was committed once it has acted on it: it would come back in the group as it was before,
// and might need the vote of one that it has sent away. So the commit index, which otherwise goes
// to the disk with the next entries, goes there first.
import type { ConfChange } from "../confchange/change.ts";
import type { ConfState } from "../confchange/conf-state.ts";
import type { Entry } from "../core/entry.ts";
import type { Message } from "../core/message.ts";
import type { LogWriter } from "./log-writer.ts";
import type { Applied, ReplicatedState } from "./replicated-state.ts";

/** What an applier works on, and whom it tells. */
export interface ApplierOptions {
  readonly state: ReplicatedState;
  readonly writer: LogWriter;
  /** Makes the core adopt a change of the group. */
  readonly adopt: (change: ConfChange) => ConfState;
  /** An entry is applied. */
  readonly onEntry: (applied: Applied, index: number) => void;
  /** All entries of a "storage-apply" are, and the core may be told. */
  readonly onBatch: (apply: Message) => void;
  /** What it waited for is there; `next` is to be called. */
  readonly onReady: () => void;
}

/** The apply thread of a node. */
export class Applier {
  readonly #options: ApplierOptions;
  readonly #waiting: Message[] = [];
  #commitDurable = 0;
  #isFlushing = false;

  constructor(options: ApplierOptions) {
    this.#options = options;
  }

  /** Takes a "storage-apply"; {@link next} carries it out. */
  add(apply: Message): void {
    this.#waiting.push(apply);
  }

  /** Applies what can be applied now. Throws whatever the application throws. */
  next(): void {
    for (let apply = this.#waiting[0]; apply !== undefined; apply = this.#waiting[0]) {
      if (this.#mustWait(apply.entries)) return;
      this.#waiting.shift();
      this.#apply(apply);
    }
  }

  #mustWait(entries: readonly Entry[]): boolean {
    const last = entries.at(-1)?.index ?? 0;
    if (last <= this.#commitDurable) return false;
    if (entries.every(({ type }) => type === "normal")) return false;
    if (this.#isFlushing) return true;
    this.#isFlushing = true;
    this.#options.writer.flush(() => {
      this.#isFlushing = false;
      this.#commitDurable = last;
      this.#options.onReady();
    });
    return true;
  }

  #apply(apply: Message): void {
    const { state, adopt, onEntry, onBatch } = this.#options;
    for (const entry of apply.entries) {
      // A snapshot may have overtaken it, and have it all.
      if (entry.index > state.index) onEntry(state.apply(entry, adopt), entry.index);
    }
    onBatch(apply);
  }
}
