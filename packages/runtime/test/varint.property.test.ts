import { Cursor, numberBytes, putNumber } from "@compendium/runtime/varint";
import fc from "fast-check";
import { expect, test } from "vitest";

const number = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat(),
  fc.integer({ min: 0, max: 53 }).map((bits) => 2 ** bits - 1),
);

test("every number below 2^53 is read as it was written, in the bytes that were announced", () => {
  fc.assert(
    fc.property(number, (value) => {
      const bytes = new Uint8Array(10);
      const end = putNumber(bytes, 1, value);
      expect(end).toBe(1 + numberBytes(value));
      const cursor = new Cursor(bytes, 1, end);
      expect(cursor.number()).toBe(value);
      expect(cursor.isDone).toBe(true);
    }),
  );
});

test("what ends early, or is above 2^53, is a failure, and nothing throws", () => {
  fc.assert(
    fc.property(number, fc.nat(), (value, cut) => {
      const bytes = new Uint8Array(numberBytes(value));
      putNumber(bytes, 0, value);
      const cursor = new Cursor(bytes, 0, cut % bytes.length);
      cursor.number();
      expect(cursor.failed).toBe(true);
    }),
  );
  for (const bytes of [
    new Uint8Array(9).fill(255),
    Uint8Array.of(...new Array(7).fill(255), 127),
  ]) {
    const cursor = new Cursor(bytes, 0, bytes.length);
    cursor.number();
    expect(cursor.failed).toBe(true);
  }
});

test("bytes are taken as views, and never beyond the end", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const cursor = new Cursor(bytes, 1, 6);
  expect(cursor.word()).toBe(0x05040302);
  expect([...cursor.take(2)]).toEqual([]);
  expect(cursor.failed).toBe(true);
  expect([...new Cursor(bytes, 4, 6).rest()]).toEqual([5, 6]);
  expect(new Cursor(bytes, 4, 6).rest().buffer).toBe(bytes.buffer);
});
