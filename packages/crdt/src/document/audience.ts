// Who listens to a document. Some want to know that it has changed, and look for themselves; others
// want every change described, which has to be gathered while it happens.
import { Listeners } from "../listeners.ts";
import type { Conflict, Gate, Heard, Slot } from "./slot.ts";

/** What a listener is told, once for each change or merge. */
export interface DocumentEvent {
  /** Who caused it: this replica, or others. */
  readonly origin: "here" | "elsewhere";
  /** What reads differently, in the order in which it came to. */
  readonly changes: readonly Heard[];
  /** What concurrent changes have done that people should see; a merge returns it as well. */
  readonly conflicts: readonly Conflict[];
}

/** The listeners of one document. */
export class Audience {
  readonly #gate: Gate;
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #listeners: Listeners<DocumentEvent> = new Listeners();
  readonly #watchers: Listeners<true> = new Listeners();

  constructor(gate: Gate, slots: ReadonlyMap<string, Slot>) {
    this.#gate = gate;
    this.#slots = slots;
  }

  /** Adds one who wants to hear what happened. */
  listen(listener: (event: DocumentEvent) => void): Disposable {
    if (this.#listeners.size === 0) for (const slot of this.#slots.values()) slot.listen(true);
    const listening = this.#listeners.add(listener);
    return {
      [Symbol.dispose]: () => {
        listening[Symbol.dispose]();
        if (this.#listeners.size > 0) return;
        for (const slot of this.#slots.values()) slot.listen(false);
      },
    };
  }

  /** Adds one who wants to hear that something happened. */
  watch(watcher: () => void): Disposable {
    return this.#watchers.add(() => watcher());
  }

  /** Something has happened. */
  changed(): void {
    this.#watchers.tell(true);
  }

  /** Gathers what is heard while something is done, and tells it once, when all of it is there. */
  hearing<T>(origin: DocumentEvent["origin"], conflicts: readonly Conflict[], act: () => T): T {
    if (this.#listeners.size === 0) return act();
    const changes: Heard[] = [];
    this.#gate.heard = changes;
    let result: T;
    try {
      result = act();
    } finally {
      this.#gate.heard = undefined;
    }
    if (changes.length > 0 || conflicts.length > 0) {
      this.#listeners.tell({ origin, changes, conflicts });
    }
    return result;
  }
}
