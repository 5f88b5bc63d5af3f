// The current text, and nothing else: no identifier, no tombstone, no object per character. It is a
// row of blocks of at most 8,192 UTF-16 units, and each block is a gap buffer: its free room stands
// where it was last edited, so that the next keystroke there moves nothing.
//
//   block   H e l l o · · · · w o r l d        gap of 4 at 5
//
// The block of the last edit is remembered with the place where it starts, and the next one is
// sought from there (or from the beginning), block by block. Editing is local, so that is nearly
// always no step at all; at worst it is n / 4,096 steps of about a nanosecond, which for ten
// million units is a few microseconds. A balanced tree over
// the blocks would bound that by a logarithm, and have every keystroke pay for its bookkeeping.
//
// A full block is split; neighbours that fit half a block together are joined. So a text of n units
// has at most about n / 2,048 blocks, and a short text one short block.
import { stringOf } from "./units.ts";

const BLOCK_UNITS = 8192;
const FIRST_UNITS = 64;
// Below this, a loop beats the call of a method of typed arrays.
const SHORT = 24;

/** UTF-16 units, cut and spliced by position. */
export class TextBuffer {
  /** How many units there are. */
  length = 0;
  #blocks: Uint16Array[] = [new Uint16Array(FIRST_UNITS)];
  // Of each block: how many units it holds, and how many of them stand before its gap.
  #sizes: number[] = [0];
  #gaps: number[] = [0];
  // The block of the last edit, and how many units stand before it.
  #at = 0;
  #start = 0;

  /** Puts `count` units of `source`, from `from` on, before the unit at `position`. */
  insert(position: number, source: Uint16Array, from: number, count: number): void {
    let left = count;
    this.#seek(position);
    while (left > 0) {
      const room = this.#makeRoom(position, left);
      const taken = Math.min(left, room);
      const block = this.#blocks[this.#at]!;
      const gap = this.#gaps[this.#at]!;
      const first = from + count - left;
      if (taken <= SHORT) for (let i = 0; i < taken; i++) block[gap + i] = source[first + i]!;
      else block.set(source.subarray(first, first + taken), gap);
      this.#gaps[this.#at] = gap + taken;
      this.#sizes[this.#at]! += taken;
      this.length += taken;
      position += taken;
      left -= taken;
    }
  }

  /** Takes `count` units away, from `position` on. */
  remove(position: number, count: number): void {
    let left = count;
    this.#seek(position);
    while (left > 0) {
      const size = this.#sizes[this.#at]!;
      const within = position - this.#start;
      if (within === size) {
        this.#start += size;
        this.#at++;
        continue;
      }
      const taken = Math.min(left, size - within);
      // Backspace: what goes stands right before the gap.
      if (within + taken === this.#gaps[this.#at]) this.#gaps[this.#at] = within;
      else this.#moveGap(within);
      this.#sizes[this.#at]! -= taken;
      this.length -= taken;
      left -= taken;
      if (size - taken < BLOCK_UNITS / 4 && this.#blocks.length > 1) this.#joinNeighbours();
    }
  }

  /** The unit at a position. */
  unitAt(position: number): number {
    this.#seek(position);
    if (position - this.#start === this.#sizes[this.#at] && position < this.length) {
      this.#start += this.#sizes[this.#at++]!;
    }
    const within = position - this.#start;
    const block = this.#blocks[this.#at]!;
    const gap = this.#gaps[this.#at]!;
    const jump = block.length - this.#sizes[this.#at]!;
    return block[within < gap ? within : within + jump]!;
  }

  /** The units from `from` up to, not including, `to`. */
  slice(from: number, to: number): string {
    let text = "";
    let start = 0;
    for (const [index, block] of this.#blocks.entries()) {
      const size = this.#sizes[index]!;
      const first = Math.max(0, from - start);
      const last = Math.min(size, to - start);
      if (first < last) {
        const gap = this.#gaps[index]!;
        const jump = block.length - size;
        if (first < gap) text += stringOf(block, first, Math.min(last, gap));
        if (last > gap) text += stringOf(block, Math.max(first, gap) + jump, last + jump);
      }
      start += size;
      if (start >= to) break;
    }
    return text;
  }

  toString(): string {
    return this.slice(0, this.length);
  }

  /** All units in one array of their own. */
  units(): Uint16Array {
    const units = new Uint16Array(this.length);
    let at = 0;
    for (const [index, block] of this.#blocks.entries()) {
      const size = this.#sizes[index]!;
      const gap = this.#gaps[index]!;
      units.set(block.subarray(0, gap), at);
      units.set(block.subarray(gap + block.length - size), at + gap);
      at += size;
    }
    return units;
  }

  /** Gives back the free room. */
  pack(): void {
    const units = this.units();
    this.#blocks = [];
    this.#sizes = [];
    // Half of what a block can hold, so that the next edit does not cut it in two.
    for (let from = 0; from === 0 || from < units.length; from += BLOCK_UNITS / 2) {
      const block = units.slice(from, from + BLOCK_UNITS / 2);
      this.#blocks.push(block.length === 0 ? new Uint16Array(FIRST_UNITS) : block);
      this.#sizes.push(block.length);
    }
    this.#gaps = [...this.#sizes];
    this.#at = 0;
    this.#start = 0;
  }

  /** A copy that shares nothing. */
  clone(): TextBuffer {
    const copy = new TextBuffer();
    copy.length = this.length;
    copy.#blocks = this.#blocks.map((block) => block.slice());
    copy.#sizes = [...this.#sizes];
    copy.#gaps = [...this.#gaps];
    return copy;
  }

  /** The bytes that its blocks hold on to. */
  get bytes(): number {
    return this.#blocks.reduce((sum, block) => sum + block.byteLength, 0);
  }

  // Afterwards #start <= position <= #start + size: a place between two blocks belongs to either.
  #seek(position: number): void {
    if (position < this.#start >> 1) {
      this.#at = 0;
      this.#start = 0;
    }
    while (position < this.#start) this.#start -= this.#sizes[--this.#at]!;
    let size = this.#sizes[this.#at]!;
    while (position > this.#start + size) {
      this.#start += size;
      size = this.#sizes[++this.#at]!;
    }
  }

  #moveGap(to: number): void {
    const block = this.#blocks[this.#at]!;
    const gap = this.#gaps[this.#at]!;
    if (gap === to) return;
    const jump = block.length - this.#sizes[this.#at]!;
    if (to < gap) {
      if (gap - to > SHORT) block.copyWithin(to + jump, to, gap);
      else for (let i = gap - 1; i >= to; i--) block[i + jump] = block[i]!;
    } else if (to - gap > SHORT) {
      block.copyWithin(gap, gap + jump, to + jump);
    } else {
      for (let i = gap; i < to; i++) block[i] = block[i + jump]!;
    }
    this.#gaps[this.#at] = to;
  }

  // Brings the gap to `position`, and at least one free unit into it; returns how many there are.
  #makeRoom(position: number, wanted: number): number {
    const size = this.#sizes[this.#at]!;
    const block = this.#blocks[this.#at]!;
    const within = position - this.#start;
    this.#moveGap(within);
    if (block.length - size >= wanted) return wanted;
    if (block.length < BLOCK_UNITS) {
      const next = new Uint16Array(
        Math.min(BLOCK_UNITS, Math.max(block.length * 2, size + wanted)),
      );
      next.set(block.subarray(0, within));
      const behind = size - within;
      next.set(block.subarray(block.length - behind), next.length - behind);
      this.#blocks[this.#at] = next;
      return next.length - size;
    }
    if (within === size && block.length > size) return block.length - size;
    // The units behind the gap get a block of their own; at the very end that is the one to fill.
    this.#addBlockBehind(block.subarray(block.length - size + within));
    this.#sizes[this.#at] = within;
    if (within < size) return BLOCK_UNITS - within;
    this.#start += size;
    this.#at++;
    return BLOCK_UNITS;
  }

  #addBlockBehind(units: Uint16Array): void {
    const block = new Uint16Array(BLOCK_UNITS);
    block.set(units, BLOCK_UNITS - units.length);
    this.#blocks.splice(this.#at + 1, 0, block);
    this.#sizes.splice(this.#at + 1, 0, units.length);
    this.#gaps.splice(this.#at + 1, 0, 0);
  }

  #joinNeighbours(): void {
    if (this.#at + 1 < this.#blocks.length && this.#fit(this.#at)) this.#join(this.#at);
    if (this.#at > 0 && this.#fit(this.#at - 1)) {
      this.#at--;
      this.#start -= this.#sizes[this.#at]!;
      this.#join(this.#at);
    }
  }

  #fit(index: number): boolean {
    const [size, next] = [this.#sizes[index]!, this.#sizes[index + 1]!];
    return size + next <= BLOCK_UNITS / 2 || size === 0 || next === 0;
  }

  // Moves the units of the block behind `index` to the end of that at `index`.
  #join(index: number): void {
    const [size, added] = [this.#sizes[index]!, this.#sizes[index + 1]!];
    const [block, other] = [this.#blocks[index]!, this.#blocks[index + 1]!];
    const [gap, otherGap] = [this.#gaps[index]!, this.#gaps[index + 1]!];
    const joined = new Uint16Array(BLOCK_UNITS);
    joined.set(block.subarray(0, gap));
    joined.set(block.subarray(gap + block.length - size), gap);
    joined.set(other.subarray(0, otherGap), size);
    joined.set(other.subarray(otherGap + other.length - added), size + otherGap);
    this.#blocks[index] = joined;
    this.#sizes[index] = size + added;
    this.#gaps[index] = size + added;
    this.#blocks.splice(index + 1, 1);
    this.#sizes.splice(index + 1, 1);
    this.#gaps.splice(index + 1, 1);
  }
}
