// A text that several people edit at once. The door to a replica: positions are checked here, count
// UTF-16 units as JavaScript's strings do, and never fall between the halves of a character.
import type { VersionVector } from "../causal/causal-graph.ts";
import { isPair } from "../encoding/byte-writer.ts";
import { Listeners } from "../listeners.ts";
import type { Anchor } from "./anchor.ts";
import { rebase } from "./rebase.ts";
import { Replica } from "./replica.ts";
import { ReplicatedSequence } from "./replicated-sequence.ts";
import { TextContent } from "./text-content.ts";

/** A change that came from another replica. */
export interface TextSplice {
  /** Where, in the text that the changes before this one have made. */
  readonly position: number;
  /** How many units went. */
  readonly removed: number;
  /** What came in their place. */
  readonly inserted: string;
}

/** Told of the changes of one merge, in order. */
export type TextListener = (splices: readonly TextSplice[]) => void;

/** A replicated text. */
export class Text extends ReplicatedSequence<TextContent> {
  readonly #content: TextContent;
  readonly #listeners: Listeners<readonly TextSplice[]> = new Listeners();

  /**
   * An empty text.
   *
   * @param agent the name under which this replica edits: 1 to 64 printable ASCII characters. No
   *   two replicas may ever have the same, nor one replica after it has lost what it had sent.
   */
  constructor(
    agent: string,
    replica: Replica<TextContent> = new Replica(agent, new TextContent()),
  ) {
    super(replica);
    this.#content = replica.content;
  }

  /**
   * A text from {@link Text.encode}. The text is there at once; its history is unpacked when it is
   * first needed, by an edit, a merge or a question about it.
   *
   * @throws CrdtError `CRDT_CORRUPT`, `CRDT_VERSION`, `CRDT_KIND`, `CRDT_BUDGET`
   */
  static load(agent: string, bytes: Uint8Array): Text {
    const text = new Text(agent);
    text.replica.open(bytes);
    return text;
  }

  /**
   * Inserts a string before the unit at `position`.
   *
   * @throws RangeError for a position that is not in [0, length], or inside a surrogate pair, and
   *   TypeError for a string that holds half a pair
   */
  insert(position: number, text: string): void {
    const count = text.length;
    if (!text.isWellFormed()) throw new TypeError("a text holds half a surrogate pair");
    this.#checkPosition(position);
    if (count === 0) return;
    const content = this.#content;
    this.replica.insert(position, count);
    const from = content.units.length;
    content.units.append(text);
    content.buffer.insert(position, content.units.data, from, count);
    this.replica.onChange?.();
  }

  /**
   * Deletes `count` units from `position` on.
   *
   * @throws RangeError for a range that is not in the text, or cuts a surrogate pair
   */
  delete(position: number, count: number): void {
    if (!(Number.isInteger(count) && count >= 0 && position + count <= this.length)) {
      throw new RangeError(`cannot delete ${count} units at ${position} of ${this.length}`);
    }
    this.#checkPosition(position);
    this.#checkPosition(position + count);
    if (count === 0) return;
    this.replica.delete(position, count);
    this.#content.buffer.remove(position, count);
    this.replica.onChange?.();
  }

  /** The units from `from` up to, not including, `to`. */
  slice(from = 0, to: number = this.length): string {
    return this.#content.buffer.slice(Math.max(0, from), Math.min(this.length, to));
  }

  override toString(): string {
    return this.#content.buffer.toString();
  }

  /** @throws RangeError for a position that is not in [0, length], or inside a surrogate pair */
  override anchorAt(position: number, side: "before" | "after" = "before"): Anchor {
    this.#checkPosition(position);
    return super.anchorAt(position, side);
  }

  /** A copy under another name, which shares nothing with this one. */
  fork(agent: string): Text {
    return new Text(agent, this.replica.fork(agent));
  }

  /**
   * Recovers what was written here from a document that was compacted without it, when merging one
   * into the other throws `CRDT_COMPACTED`: the document under a new name, in which the insertions
   * of these authors that it lacks, and the deletions, are done again as edits of the new name.
   * This replica stays as it is, and should be used no more.
   *
   * @param agent a name that nobody has had
   * @param document what `encode` gave
   * @param authors whose insertions; when a replica begins each session under a new name, all of
   *   its names. Others bring back their own
   * @throws RangeError for a name that is known, CrdtError if the bytes are not to be trusted
   */
  rebaseOnto(agent: string, document: Uint8Array, authors: Iterable<string> = [this.agent]): Text {
    const rebased = Text.load(agent, document);
    rebase(this.replica, rebased.replica, new Set(authors));
    return rebased;
  }

  /**
   * The text as it was in a version that is known here.
   *
   * @throws RangeError for a version that is not, CrdtError `CRDT_COMPACTED` for one below the base
   */
  at(version: VersionVector): Text {
    const past = new Text(this.agent);
    past.replica.openVersion(this.replica, version);
    return past;
  }

  /** Has changes from other replicas told, until disposed. */
  subscribe(listener: TextListener): Disposable {
    const listening = this.#listeners.add(listener);
    this.replica.onMerge = (splices) => {
      const told = Array.from({ length: splices.count }, (_, i): TextSplice => {
        const [units, from] = [splices.units(i), splices.content(i)];
        const inserted = units > 0 ? this.#content.units.slice(from, from + units) : "";
        return { position: splices.position(i), removed: Math.max(0, -units), inserted };
      });
      this.#listeners.tell(told);
    };
    return {
      [Symbol.dispose]: () => {
        listening[Symbol.dispose]();
        if (this.#listeners.size === 0) this.replica.onMerge = undefined;
      },
    };
  }

  #checkPosition(position: number): void {
    const { buffer } = this.#content;
    if (!(Number.isInteger(position) && position >= 0 && position <= buffer.length)) {
      throw new RangeError(`a position is an integer in [0, ${buffer.length}], got ${position}`);
    }
    if (position === 0 || position === buffer.length) return;
    const next = buffer.unitAt(position);
    // Nearly always there is no surrogate, and one look is enough.
    if ((next & 0xfc00) === 0xdc00 && isPair(buffer.unitAt(position - 1), next)) {
      throw new RangeError(`position ${position} is inside a surrogate pair`);
    }
  }
}
