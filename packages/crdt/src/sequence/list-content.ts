// The content of a list: JSON scalars, inserted ones in a column, current ones in a row of short
// arrays, so that an insertion moves at most one array's values and not the whole list's.
import type { ByteReader } from "../encoding/byte-reader.ts";
import type { ByteWriter } from "../encoding/byte-writer.ts";
import { readScalar, writeScalar } from "../encoding/scalars.ts";
import type { Scalar } from "../lattice/scalar.ts";
import {
  type Content,
  type Difference,
  differenceOf,
  type Pieces,
  type Whereabouts,
} from "./content.ts";

const BLOCK = 1024;

/** Values in a row. */
export class ListContent implements Content {
  readonly tags: Content["tags"] = { update: 0xe2, document: 0xe3 };
  /** Everything that was ever inserted. */
  column: Scalar[] = [];
  /** How many values there are now. */
  length = 0;
  #blocks: Scalar[][] = [[]];

  get bytes(): number {
    return 8 * (this.column.length + this.length);
  }

  insert(position: number, content: number, count: number): void {
    const [at, within] = this.#find(position);
    const block = this.#blocks[at]!;
    const values = this.column.slice(content, content + count);
    this.length += count;
    if (block.length + count <= BLOCK) {
      block.splice(within, 0, ...values);
      return;
    }
    const all = [...block.slice(0, within), ...values, ...block.slice(within)];
    const halves: Scalar[][] = [];
    for (let from = 0; from < all.length; from += BLOCK / 2) {
      halves.push(all.slice(from, from + BLOCK / 2));
    }
    this.#blocks = [...this.#blocks.slice(0, at), ...halves, ...this.#blocks.slice(at + 1)];
  }

  remove(position: number, count: number): void {
    this.length -= count;
    let [at, within] = this.#find(position);
    for (let left = count; left > 0; ) {
      const block = this.#blocks[at]!;
      const taken = Math.min(left, block.length - within);
      block.splice(within, taken);
      left -= taken;
      if (block.length === 0 && this.#blocks.length > 1) this.#blocks.splice(at, 1);
      else at++;
      within = 0;
    }
  }

  /** The value at an index, which must be there. */
  at(index: number): Scalar {
    let start = 0;
    for (const block of this.#blocks) {
      if (index < start + block.length) return block[index - start]!;
      start += block.length;
    }
    throw new RangeError(`no value at ${index}`);
  }

  /** All values, in an array of their own. */
  values(): Scalar[] {
    return this.#blocks.flat();
  }

  write(writer: ByteWriter, pieces: Pieces): void {
    for (let i = 0; i < pieces.length; i += 2) {
      const end = pieces[i]! + pieces[i + 1]!;
      for (let at = pieces[i]!; at < end; at++) writeScalar(writer, this.column[at]!);
    }
  }

  read(reader: ByteReader, count: number): void {
    if (count > reader.left) throw reader.corrupt("fewer values than are described");
    for (let i = 0; i < count; i++) this.column.push(readScalar(reader));
  }

  move(to: number, from: number, count: number): void {
    this.column.copyWithin(to, from, from + count);
  }

  truncate(length: number): void {
    this.column.length = length;
  }

  keep(pieces: Pieces): void {
    const kept: Scalar[] = [];
    for (let i = 0; i < pieces.length; i += 2) {
      const end = pieces[i]! + pieces[i + 1]!;
      for (let at = pieces[i]!; at < end; at++) kept.push(this.column[at]!);
    }
    this.column = kept;
  }

  writeState(writer: ByteWriter): void {
    writer.number(this.length);
    for (const value of this.values()) writeScalar(writer, value);
  }

  readState(reader: ByteReader): void {
    const count = reader.count(1);
    this.length = 0;
    this.#blocks = [[]];
    for (let i = 0; i < count; i++) this.column.push(readScalar(reader));
    this.insert(0, 0, count);
    this.column = [];
  }

  writeGone(writer: ByteWriter, pieces: Pieces, keep: boolean): void {
    for (let i = 0; i < pieces.length; i += 2) {
      const end = pieces[i]! + pieces[i + 1]!;
      for (let at = pieces[i]!; at < end; at++) writeScalar(writer, keep ? this.column[at]! : null);
    }
  }

  readGone(reader: ByteReader, { inserted, present, gone }: Whereabouts): void {
    // Each value, there or gone, is paid for where it is read: a null has one byte for all of it.
    const column: Scalar[] = [];
    for (let i = 0; i < gone.length; i += 2) {
      for (let k = 0; k < gone[i + 1]!; k++) column[gone[i]! + k] = readScalar(reader);
    }
    const values = this.values();
    let from = 0;
    for (let i = 0; i < present.length; i += 2) {
      for (let k = 0; k < present[i + 1]!; k++) column[present[i]! + k] = values[from++]!;
    }
    this.column = Array.from({ length: inserted }, (_, index) => column[index]!);
  }

  become(other: ListContent): void {
    this.column = other.column;
    this.length = other.length;
    this.#blocks = other.#blocks;
  }

  differenceFrom(other: ListContent): Difference {
    return differenceOf(this.values(), other.values());
  }

  clone(): ListContent {
    const copy = new ListContent();
    copy.column = [...this.column];
    copy.length = this.length;
    copy.#blocks = this.#blocks.map((block) => [...block]);
    return copy;
  }

  empty(): ListContent {
    return new ListContent();
  }

  // The block of a place, and where in it: at the end of one rather than at the start of the next.
  #find(position: number): [number, number] {
    let at = 0;
    let within = position;
    while (within > this.#blocks[at]!.length) within -= this.#blocks[at++]!.length;
    return [at, within];
  }
}
