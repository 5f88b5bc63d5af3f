// The tags of an episode as a database row has them: one column beside an `updated_at`. A
// writer reads the whole set, changes it, and writes the whole set; of two writes that have not
// seen each other, the later one stands, and the other is gone with all that was in it.
//
// This is what X6 compares the add-wins set with, so it is as good as the idea can be. It is a
// proper CRDT, crdt's register in which the last writer wins, kept on the same disks and sent over
// the same links. And "later" is told by hybrid logical clocks, not by the regions' wall clocks:
// whoever has seen a write overwrites it, even with a clock that is behind.
import { LwwRegister, type ReplicaOptions, wallMsOf } from "@compendium/crdt";

/** The tags as one value. */
export class TagColumn {
  readonly register: LwwRegister<string>;

  /** @param at the clock must be there */
  constructor(at: ReplicaOptions) {
    this.register = new LwwRegister(at);
  }

  /** The tags of the last write, in their order. */
  get tags(): string[] {
    const { value } = this.register;
    return value === undefined || value === "" ? [] : value.split(" ");
  }

  /** When it was written; null: never. */
  get updatedAt(): string | null {
    const { stamp } = this.register;
    return stamp === 0 ? null : new Date(wallMsOf(stamp)).toISOString();
  }

  /** Writes all tags, with this one among them. */
  add(tag: string): void {
    this.#write([...new Set([...this.tags, tag])]);
  }

  /** Writes all tags without this one. */
  delete(tag: string): void {
    this.#write(this.tags.filter((each) => each !== tag));
  }

  #write(tags: readonly string[]): void {
    // No tag has a space in it.
    this.register.set(tags.toSorted().join(" "));
  }
}
