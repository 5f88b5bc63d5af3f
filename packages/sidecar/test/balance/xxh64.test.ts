// XXH64 against published vectors, and against the specification written down with bigints.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hash53, hashModulo, xxh64 } from "../../src/balance/xxh64.ts";

const U64 = (1n << 64n) - 1n;
const [P1, P2, P3, P4, P5] = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
];

const rotate = (x: bigint, bits: bigint): bigint => ((x << bits) | (x >> (64n - bits))) & U64;

function littleEndian(bytes: Uint8Array, at: number, count: number): bigint {
  let value = 0n;
  for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i]!);
  return value;
}

// xxhash_spec.md, step by step; slow and plain.
function specified(bytes: Uint8Array, seed: bigint): bigint {
  const round = (acc: bigint, lane: bigint) => (rotate((acc + lane * P2) & U64, 31n) * P1) & U64;
  let at = 0;
  let acc = (seed + P5) & U64;
  if (bytes.length >= 32) {
    const accs = [seed + P1 + P2, seed + P2, seed, seed - P1].map((x) => x & U64);
    for (; at + 32 <= bytes.length; at += 32) {
      for (let i = 0; i < 4; i++) accs[i] = round(accs[i]!, littleEndian(bytes, at + 8 * i, 8));
    }
    const [a, b, c, d] = accs as [bigint, bigint, bigint, bigint];
    acc = (rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n)) & U64;
    for (const each of accs) acc = ((acc ^ round(0n, each)) * P1 + P4) & U64;
  }
  acc = (acc + BigInt(bytes.length)) & U64;
  for (; at + 8 <= bytes.length; at += 8) {
    acc = (rotate(acc ^ round(0n, littleEndian(bytes, at, 8)), 27n) * P1 + P4) & U64;
  }
  if (at + 4 <= bytes.length) {
    acc = (rotate(acc ^ ((littleEndian(bytes, at, 4) * P1) & U64), 23n) * P2 + P3) & U64;
    at += 4;
  }
  for (; at < bytes.length; at++) {
    acc = (rotate(acc ^ ((BigInt(bytes[at]!) * P5) & U64), 11n) * P1) & U64;
  }
  acc = ((acc ^ (acc >> 33n)) * P2) & U64;
  acc = ((acc ^ (acc >> 29n)) * P3) & U64;
  return acc ^ (acc >> 32n);
}

describe("XXH64", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  test.each([
    ["", 0n, 0xef46db3751d8e999n],
    ["", 1n, 0xd5afba1336a3be4bn],
    ["a", 0n, 0xd24ec4f1a98c6e5bn],
    ["abc", 0n, 0x44bc2cf5ad770999n],
    ["10.0.0.1:8080", 0n, 0xcb972177068eb685n],
    ["10.0.0.1:8080", 1n, 0x0dfce9efd349b428n],
    ["10.0.0.1:8080_0", 0n, 0x23a29ae775dfd4a3n],
    ["Nobody inspects the spammish repetition", 0n, 0xfbcea83c8a378bf1n],
    ["grüße", 0n, 0xf6b705a592c4dcdan],
    [bytes, 0n, 0x1facbe8406cd904bn],
    [bytes, 0x9e3779b185ebca87n, 0x0b8d47fe1516af3en],
  ])("of %j with seed %i is what the reference implementation prints", (input, seed, hash) => {
    expect(xxh64(input, seed)).toBe(hash);
  });

  test("is the specification's for all bytes and seeds", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.bigInt({ min: 0n, max: U64 }),
        (b, seed) => {
          expect(xxh64(b, seed)).toBe(specified(b, seed));
        },
      ),
    );
  });

  test("of a text is that of its UTF-8", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(xxh64(text)).toBe(specified(new TextEncoder().encode(text), 0n));
      }),
    );
  });

  test("of a long text, too", () => {
    const text = "é".repeat(5_000);
    expect(xxh64(text)).toBe(specified(new TextEncoder().encode(text), 0n));
  });

  test("in 53 bits are its upper ones, and a remainder is that of all 64", () => {
    const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(fc.string(), seed, fc.integer({ min: 1, max: 2 ** 26 }), (text, s, n) => {
        const whole = xxh64(text, BigInt(s));
        expect(hash53(text, s)).toBe(Number(whole >> 11n));
        expect(hashModulo(text, n, s)).toBe(Number(whole % BigInt(n)));
      }),
    );
  });
});
