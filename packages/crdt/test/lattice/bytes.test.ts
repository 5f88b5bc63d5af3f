// What the decoder refuses beyond flipped bits: hostile bytes with a right check.
import { describe, expect, test } from "vitest";
import { BUDGET_BYTES, BUDGET_PER_BYTE } from "../../src/encoding/byte-reader.ts";
import { crc32c } from "../../src/encoding/crc32c.ts";
import { frameOf } from "../../src/encoding/frame.ts";
import * as subject from "../../src/index.ts";
import {
  AddWinsMap,
  AddWinsSet,
  Delta,
  GrowCounter,
  GrowSet,
  MovableTree,
} from "../../src/index.ts";
import { Reader, Writer } from "../../src/lattice/codec.ts";
import { digestOf } from "../../src/lattice/digest.ts";
import { checkRandomBytes } from "./random-bytes.ts";

const refused = (code: string): unknown => expect.objectContaining({ name: "CrdtError", code });

describe("hostile bytes", () => {
  test("random bodies in a right frame: refused, or read and written back the same", () => {
    let read = 0;
    for (let seed = 0; seed < 50_000; seed++) if (checkRandomBytes(subject, seed)) read++;
    expect(read).toBeGreaterThan(0);
  });

  test("another version, another type, no frame", () => {
    const bytes = new GrowCounter("eu").encode();
    const other = bytes.slice();
    other[1] = 2;
    const check = crc32c(other.subarray(0, -4));
    for (let i = 0; i < 4; i++) other[other.length - 4 + i] = (check >>> (8 * i)) & 255;
    expect(() => Delta.decode(other)).toThrow(refused("CRDT_VERSION"));
    expect(() => new GrowSet("us").join(bytes)).toThrow(refused("CRDT_KIND"));
    expect(() => new MovableTree("us").join(bytes)).toThrow(refused("CRDT_KIND"));
    expect(() => Delta.decode(frameOf(99, new Uint8Array(0)))).toThrow(refused("CRDT_KIND"));
    expect(() => Delta.decode(new Uint8Array(0))).toThrow(refused("CRDT_CORRUPT"));
  });

  test("the budget is 64 KiB and ten times the input", () => {
    const reader = new Reader(new Uint8Array(1_000));
    reader.charge(BUDGET_BYTES + BUDGET_PER_BYTE * 1_000);
    expect(() => reader.charge(1)).toThrow(refused("CRDT_BUDGET"));
    expect([BUDGET_BYTES, BUDGET_PER_BYTE]).toEqual([65_536, 10]);
  });

  test("no honest state reaches it", () => {
    const set = new AddWinsSet<number | null>("r");
    for (let i = 0; i < 50_000; i++) set.add(i);
    const copy = new AddWinsSet<number | null>("s");
    copy.join(set.encode());
    expect(copy.size).toBe(50_000);
  });

  test("maps within maps a thousand deep", () => {
    const writer = new Writer();
    writer.number(0);
    for (let depth = 0; depth < 1_000; depth++) {
      if (depth === 0) writer.byte(1);
      writer.number(1);
      writer.byte(13);
      writer.string("x");
      writer.number(0);
    }
    expect(() => Delta.decode(frameOf(13, writer.done()))).toThrow(refused("CRDT_CORRUPT"));
  });
});

test("__proto__ is only a key", () => {
  const map = new AddWinsMap("eu");
  map.map("__proto__").set("constructor").add("__proto__");
  const copy = new AddWinsMap("us");
  copy.join(map.encode());
  const json = copy.toJSON() as object;
  expect(Object.getPrototypeOf(json)).toBe(Object.prototype);
  expect(JSON.stringify(json)).toBe('{"__proto__":{"constructor":["__proto__"]}}');
});

test("digests are MurmurHash3_x86_128", () => {
  const text = "The quick brown fox jumps over the lazy dog";
  expect(digestOf(new TextEncoder().encode(text))).toBe("2f1583c3ecee2c675d7bf66ce5e91d2c");
  expect(digestOf(new Uint8Array(0))).toBe("0".repeat(32));
});

test("checks are CRC-32C", () => {
  expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe3069283);
});
