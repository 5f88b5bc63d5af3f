// The content of a text: UTF-16 units, inserted ones in a column, current ones in gap buffers.
import type { ByteReader } from "../encoding/byte-reader.ts";
import { type ByteWriter, encodedLength } from "../encoding/byte-writer.ts";
import {
  type Content,
  type Difference,
  differenceOf,
  type Pieces,
  type Whereabouts,
} from "./content.ts";
import { TextBuffer } from "./text-buffer.ts";
import { Units } from "./units.ts";

// What stands for a unit that was deleted, and whose content was dropped from a document.
const LOST = 0xfffd;

/** UTF-16 units. */
export class TextContent implements Content {
  readonly tags: Content["tags"] = { update: 0xe0, document: 0xe1 };
  /** Everything that was ever inserted. */
  units: Units = new Units();
  /** The text as it is now. */
  buffer: TextBuffer = new TextBuffer();

  get length(): number {
    return this.buffer.length;
  }

  get bytes(): number {
    return this.units.data.byteLength + this.buffer.bytes;
  }

  insert(position: number, content: number, count: number): void {
    this.buffer.insert(position, this.units.data, content, count);
  }

  remove(position: number, count: number): void {
    this.buffer.remove(position, count);
  }

  write(writer: ByteWriter, pieces: Pieces): void {
    if (pieces.length === 2) {
      writeUnits(writer, this.units.data, pieces[0]!, pieces[0]! + pieces[1]!);
    } else {
      // Where two pieces meet, so may two halves of a character.
      const units = this.#gather(pieces);
      writeUnits(writer, units, 0, units.length);
    }
  }

  read(reader: ByteReader, count: number): void {
    const bytes = reader.count(1);
    reader.charge(2 * count);
    // A unit takes a byte at least, or half of four.
    if (count > bytes) throw reader.corrupt("less text than is described");
    const from = this.units.reserve(count); // May replace the array.
    reader.units(this.units.data, from, count, bytes);
  }

  move(to: number, from: number, count: number): void {
    this.units.data.copyWithin(to, from, from + count);
  }

  truncate(length: number): void {
    this.units.length = length;
  }

  keep(pieces: Pieces): void {
    const kept = this.#gather(pieces);
    this.units = new Units();
    this.units.data = kept;
    this.units.length = kept.length;
    this.buffer.pack();
  }

  writeState(writer: ByteWriter): void {
    const units = this.buffer.units();
    writer.number(units.length);
    writeUnits(writer, units, 0, units.length);
  }

  readState(reader: ByteReader): void {
    const count = reader.count(1);
    const bytes = reader.count(1);
    reader.charge(2 * count);
    const units = new Uint16Array(count);
    reader.units(units, 0, count, bytes);
    this.buffer = new TextBuffer();
    this.buffer.insert(0, units, 0, count);
  }

  // Runs of known and of lost units in turn, then the known ones.
  writeGone(writer: ByteWriter, pieces: Pieces, keep: boolean): void {
    const units = this.#gather(pieces);
    if (!keep) units.fill(LOST);
    const runs: number[] = [];
    let known = 0;
    for (let at = 0; at < units.length; ) {
      const from = at;
      while (at < units.length && units[at] !== LOST) units[known++] = units[at++]!;
      const lost = at;
      while (at < units.length && units[at] === LOST) at++;
      runs.push(lost - from, at - lost);
    }
    writer.number(runs.length);
    for (const run of runs) writer.number(run);
    writeUnits(writer, units, 0, known);
    // Readers take memory for lost units, too, two bytes each, and want it paid for: with one
    // byte for ten. All that has been written so far pays for itself, and for twice its length
    // besides.
    const unpaid = 2 * (units.length - known) - 2 * writer.length - 32 * 1024;
    const padding = Math.max(0, Math.ceil(unpaid / 10));
    writer.number(padding);
    writer.bytes(new Uint8Array(padding));
  }

  readGone(reader: ByteReader, { inserted, present, gone }: Whereabouts): void {
    reader.charge(2 * inserted);
    const runs = Array.from({ length: reader.count(1) }, () => reader.number());
    const known = runs.reduce((sum, run, index) => (index % 2 === 0 ? sum + run : sum), 0);
    const all = runs.reduce((sum, run) => sum + run, 0);
    const described = gone.reduce((sum, field, index) => (index % 2 === 1 ? sum + field : sum), 0);
    const bytes = reader.count(1);
    if (all !== described || known > bytes) throw reader.corrupt("another number of deleted units");
    const units = new Uint16Array(all);
    reader.units(units, 0, known, bytes);
    spread(units, runs, known);
    if (reader.bytes(reader.count(1)).some((byte) => byte !== 0))
      throw reader.corrupt("no padding");

    this.units.reserve(inserted);
    const { data } = this.units;
    const current = this.buffer.units();
    copyOut(current, present, data);
    copyOut(units, gone, data);
  }

  become({ units, buffer }: TextContent): void {
    this.units = units;
    this.buffer = buffer;
  }

  differenceFrom(other: TextContent): Difference {
    return differenceOf(this.buffer.units(), other.buffer.units());
  }

  clone(): TextContent {
    const copy = new TextContent();
    copy.units = this.units.clone();
    copy.buffer = this.buffer.clone();
    return copy;
  }

  empty(): TextContent {
    return new TextContent();
  }

  #gather(pieces: Pieces): Uint16Array {
    let length = 0;
    for (let i = 1; i < pieces.length; i += 2) length += pieces[i]!;
    const units = new Uint16Array(length);
    let at = 0;
    for (let i = 0; i < pieces.length; i += 2) {
      const [from, count] = [pieces[i]!, pieces[i + 1]!];
      units.set(this.units.data.subarray(from, from + count), at);
      at += count;
    }
    return units;
  }
}

function writeUnits(writer: ByteWriter, units: Uint16Array, from: number, to: number): void {
  writer.number(encodedLength(units, from, to));
  writer.units(units, from, to);
}

// Moves the known units, which stand first, to their places, and fills the others; from behind, so
// that none is overwritten before it has been moved.
function spread(units: Uint16Array, runs: readonly number[], known: number): void {
  let to = units.length;
  for (let i = runs.length - 1; i >= 0; i--) {
    const count = runs[i]!;
    to -= count;
    if (i % 2 === 1) {
      units.fill(LOST, to, to + count);
    } else {
      known -= count;
      units.copyWithin(to, known, known + count);
    }
  }
}

function copyOut(units: Uint16Array, pieces: Pieces, to: Uint16Array): void {
  let at = 0;
  for (let i = 0; i < pieces.length; i += 2) {
    const [from, count] = [pieces[i]!, pieces[i + 1]!];
    to.set(units.subarray(at, at + count), from);
    at += count;
  }
}
