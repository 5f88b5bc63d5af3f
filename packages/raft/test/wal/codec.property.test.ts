import * as wal from "@compendium/raft/wal";
import { crc32c } from "@compendium/runtime";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  hardStateBytes,
  headBytes,
  markBytes,
  putHardState,
  putHead,
  putMark,
  readEntry,
  readHardState,
  readHead,
  readMark,
} from "../../src/wal/codec.ts";
import { FrameWriter, hasBlankSector, recordBytes } from "../../src/wal/frame.ts";
import { segmentName } from "../../src/wal/segment.ts";
import { snapshotName } from "../../src/wal/snapshot-file.ts";
import { Disk } from "./disk.ts";
import { entry, FOLDER, open, SEGMENT_BYTES, snapshotAt } from "./story.ts";

const number = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat(),
  fc.integer({ min: 0, max: 53 }).map((bits) => 2 ** bits - 1),
);
const hardState = fc.record({ term: number, vote: number, commit: number });
const mark = fc.record({ index: number, term: number, replaces: fc.boolean() });

function crcBitByBit(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

test("RFC 3720, B.4: the CRC of 32 zeros, of 32 ones, and of 0 to 31", () => {
  const check = (bytes: Uint8Array) => crc32c(bytes, 0, bytes.length, 0).toString(16);
  expect(check(new Uint8Array(32))).toBe("8a9136aa");
  expect(check(new Uint8Array(32).fill(255))).toBe("62a8ab43");
  expect(check(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe("46dd794e");
});

test("the CRC is that of the definition, and may be taken in parts", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, cut) => {
      const at = Math.min(cut, bytes.length);
      const whole = crc32c(bytes, 0, bytes.length, 0);
      expect(whole).toBe(crcBitByBit(bytes));
      expect(crc32c(bytes, at, bytes.length, crc32c(bytes, 0, at, 0))).toBe(whole);
    }),
  );
});

test("hard states, marks and heads are read as they were written, and no part of them is", () => {
  const past = { previousCrc: fc.nat(2 ** 32 - 1), hardState, mark };
  const head = fc.record({
    sequence: number,
    bytes: number,
    lastIndex: number,
    lastTerm: number,
    ...past,
  });
  fc.assert(
    fc.property(hardState, mark, head, fc.nat(), (aState, aMark, aHead, cut) => {
      const cases = [
        [hardStateBytes(aState), putHardState, readHardState, aState],
        [markBytes(aMark), putMark, readMark, aMark],
        [headBytes(aHead), putHead, readHead, aHead],
      ] as const;
      for (const [size, put, read, value] of cases) {
        const bytes = new Uint8Array(size + 1);
        (put as (into: Uint8Array, at: number, value: unknown) => void)(bytes, 0, value);
        expect(read(bytes, 0, size)).toEqual(value);
        expect(read(bytes, 0, cut % size)).toBeUndefined();
        expect(read(bytes, 0, size + 1)).toBeUndefined();
      }
    }),
  );
});

test("arbitrary bytes are read or refused, within their bounds, and nothing is thrown", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      for (const read of [readEntry, readHardState, readMark, readHead]) {
        read(bytes, 0, bytes.length);
      }
      const found = readEntry(bytes, 0, bytes.length);
      if (found === undefined) return;
      expect(Number.isSafeInteger(found.index) && found.index > 0).toBe(true);
      expect(found.data.length).toBeLessThan(bytes.length);
    }),
  );
});

test("no sector's part of a record is blank, nor becomes so by one changed byte", () => {
  const filler = fc.oneof(fc.constant(0), fc.nat(255));
  const payload = fc
    .array(fc.tuple(filler, fc.integer({ min: 1, max: 900 })), { minLength: 1, maxLength: 6 })
    .map((runs) => Uint8Array.from(runs.flatMap(([byte, length]) => Array(length).fill(byte))));
  fc.assert(
    fc.property(payload, fc.nat(63), fc.uint8Array({ maxLength: 4 }), (bytes, slot, noise) => {
      for (const [at, byte] of noise.entries()) bytes[(at * 331) % bytes.length] = byte;
      const offset = slot * 16;
      const writer = new FrameWriter();
      const place = { sequence: 7, offset, crc: 5, batch: 1 };
      writer.begin(place, recordBytes(bytes.length));
      writer.bytes.set(bytes, writer.open(bytes.length));
      writer.end(2, true);
      const file = new Uint8Array(offset + writer.written.length);
      file.set(writer.written, offset);
      for (let at = offset; at < file.length; at++) {
        const before = file[at] as number;
        if (before === 0) continue;
        file[at] = 0;
        expect(hasBlankSector(file, offset, file.length)).toBe(false);
        file[at] = before;
      }
    }),
    { numRuns: 60 },
  );
});

test("a record of 600 sectors, each filled with another byte, finds a mask", async () => {
  const disk = new Disk();
  const { log } = await open(wal, disk);
  const data = Uint8Array.from({ length: 600 * 512 }, (_, at) => Math.floor(at / 512) & 255);
  await log.append([entry(1, 1, data)]);
  const found = await open(wal, disk.clone());
  expect(Buffer.compare(found.entries[0]?.data ?? new Uint8Array(), data)).toBe(0);
});

test("files of another version are refused by that name, and left alone", async () => {
  const disk = new Disk();
  const { log } = await open(wal, disk);
  await log.append([entry(1, 1)]);
  await log.saveSnapshot(snapshotAt(1, 1));
  await log.close();

  const future = disk.clone();
  const snapshot = future.bytesOf(`${FOLDER}/${snapshotName({ index: 1, term: 1 })}`);
  snapshot[4] = 9;
  const crc = crc32c(snapshot, 24, snapshot.length, crc32c(snapshot, 0, 20, 0));
  new DataView(snapshot.buffer).setUint32(20, crc, true);
  await expect(open(wal, future)).rejects.toMatchObject({ name: "WalError", code: "WAL_VERSION" });

  const segment = disk.bytesOf(`${FOLDER}/${segmentName(1)}`);
  expect(segment.length).toBe(SEGMENT_BYTES);
  const view = new DataView(segment.buffer);
  const end = recordBytes(view.getUint32(0, true));
  segment[16 + 4] = 9;
  view.setUint32(8, crc32c(segment, 16, end, crc32c(segment, 0, 8, 0)), true);
  view.setUint32(12, crc32c(segment, 0, 12, 0x9e3779b1), true);
  await expect(open(wal, disk)).rejects.toMatchObject({ name: "WalError", code: "WAL_VERSION" });
});
