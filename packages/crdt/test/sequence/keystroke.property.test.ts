// The short way of a keystroke against the long way, which every other update goes: the same bytes
// are written, and whatever bytes come, the same becomes of them.
import { expect, test } from "vitest";
import { ByteWriter } from "../../src/encoding/byte-writer.ts";
import { bodyOf, frame, tagOf } from "../../src/encoding/frame.ts";
import { CrdtError, Text } from "../../src/index.ts";
import { generator } from "../generator.ts";

// Texts are long enough for all that authors do, and as short as can be encoded again and again.
const TEXTS = 40;
const STEPS = 80;
const typed = ["a", "b", "é", "→", "😀", "two words", "x".repeat(200)];

/** Somebody who types, erases in both directions, and sometimes goes elsewhere. */
class Author {
  readonly text: Text;
  readonly #below: (limit: number) => number;
  #cursor = 0;

  constructor(name: string, below: (limit: number) => number) {
    this.text = new Text(name);
    this.#below = below;
  }

  /** Makes one edit, or two. */
  edit(): void {
    if (this.#below(8) === 0) this.#cursor = this.#whole(this.#below(this.text.length + 1));
    const what = this.#below(8);
    if (what < 2) this.#delete(this.#whole(this.#cursor - 1 - this.#below(3)), this.#cursor);
    else if (what < 3) this.#delete(this.#cursor, this.#whole(this.#cursor + 1 + this.#below(3)));
    if (what > 1) {
      const more = typed[this.#below(typed.length)]!;
      this.text.insert(this.#cursor, more);
      this.#cursor += more.length;
    }
  }

  #delete(from: number, to: number): void {
    this.text.delete(from, to - from);
    this.#cursor = from;
  }

  // The nearest position before that parts no character.
  #whole(position: number): number {
    const at = Math.max(0, Math.min(position, this.text.length));
    return /[\ud800-\udbff]/.test(this.text.slice(at - 1, at)) ? at - 1 : at;
  }
}

test("what flush writes is what encodeSince does", () => {
  for (let seed = 0; seed < TEXTS; seed++) {
    const ann = new Author("ann", generator(seed));
    for (let step = 0; step < STEPS; step++) {
      const before = ann.text.version;
      ann.edit();
      const update = ann.text.flush();
      if (update !== undefined) expect(update).toEqual(ann.text.encodeSince(before));
    }
  }
});

/** What a replica made of bytes, and what it holds then. */
function madeOf(text: Text, bytes: Uint8Array): object {
  try {
    return { merged: text.merge(bytes), holds: text.encode() };
  } catch (error) {
    if (!(error instanceof CrdtError)) throw error;
    return { refused: error.code, holds: text.encode() };
  }
}

/** The same update, or one that differs from it in a few bytes and has the right check. */
function changed(update: Uint8Array, below: (limit: number) => number): Uint8Array {
  const body = bodyOf(update);
  const bytes = [...body.bytes(body.left)];
  for (let left = below(4); left > 0; left--) {
    const at = below(bytes.length);
    // Mostly one more or less: that gets further.
    const byte = [bytes[at]! + 1, bytes[at]! + 255, below(256)][below(3)]! % 256;
    bytes.splice(at, below(6) === 0 ? below(2) : 1, byte);
  }
  const writer = new ByteWriter();
  writer.bytes(Uint8Array.from(bytes));
  return frame(tagOf(update), writer);
}

test("who is told of changes, and so goes the long way, ends up the same as who is not", () => {
  const tally = { taken: 0, refused: 0 };
  for (let seed = 0; seed < TEXTS; seed++) {
    const below = generator(seed);
    const ann = new Author("ann", below);
    const bob = new Text("bob");
    for (let step = 0; step < STEPS; step++) {
      ann.edit();
      const update = ann.text.flush();
      if (update === undefined) continue;
      const sent = changed(update, below);
      const told = bob.fork("carl");
      told.subscribe(() => {});
      const made = madeOf(bob.fork("carl"), sent);
      expect(made).toEqual(madeOf(told, sent));
      if ("refused" in made) tally.refused++;
      else tally.taken++;
      bob.merge(update);
    }
    expect(bob.toString()).toBe(ann.text.toString());
  }
  expect(Math.min(tally.taken, tally.refused)).toBeGreaterThan(500);
});
