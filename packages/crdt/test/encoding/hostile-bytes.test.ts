// Bytes that are not what they were, or never were anything: refused whole, with an error that
// has a code, and nothing changed.
import { describe, expect, test } from "vitest";
import { ByteWriter } from "../../src/encoding/byte-writer.ts";
import { crc32c } from "../../src/encoding/crc32c.ts";
import { frame } from "../../src/encoding/frame.ts";
import { CrdtError } from "../../src/errors.ts";
import { List } from "../../src/sequence/list.ts";
import { Text } from "../../src/sequence/text.ts";
import { generator } from "../generator.ts";
import { type Sample, samplesOf } from "./samples.ts";

const samples = samplesOf({ Text, List }).map((sample) => [sample.name, sample] as const);

const codeOf = (attempt: () => unknown): string => {
  try {
    attempt();
  } catch (error) {
    if (error instanceof CrdtError) return error.code;
    throw error;
  }
  return "taken";
};

const expectRefused = ({ make, open }: Sample, bytes: Uint8Array): void => {
  const replica = make();
  const before = replica.digest();
  expect(codeOf(() => replica.merge(bytes))).not.toBe("taken");
  expect(replica.digest()).toBe(before);
  expect(codeOf(() => open(bytes))).not.toBe("taken");
};

describe.each(samples)("%s", (_, sample) => {
  test("with any one bit changed is refused", () => {
    for (let bit = 0; bit < sample.bytes.length * 8; bit++) {
      const bytes = sample.bytes.slice();
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expectRefused(sample, bytes);
    }
  });

  test("cut short, or with something behind it, is refused", () => {
    for (let length = 0; length < sample.bytes.length; length++) {
      expectRefused(sample, sample.bytes.subarray(0, length));
    }
    expectRefused(sample, Uint8Array.from([...sample.bytes, 0]));
  });

  test("changed by one who knows the check is refused, or harms nobody", () => {
    const below = generator(sample.bytes.length);
    for (let round = 0; round < 4_000; round++) {
      const bytes = sample.bytes.slice();
      for (let i = below(3); i >= 0; i--) bytes[4 + below(bytes.length - 8)] = below(256);
      reseal(bytes);
      const replica = sample.make();
      const before = replica.digest();
      if (codeOf(() => replica.merge(bytes)) !== "taken") expect(replica.digest()).toBe(before);
      codeOf(() => sample.open(bytes));
    }
  });
});

test("random bytes with a true head and check are refused, or harm nobody", () => {
  const below = generator(11);
  for (let round = 0; round < 20_000; round++) {
    const body = Uint8Array.from({ length: below(60) }, () =>
      below(3) > 0 ? below(4) : below(256),
    );
    const bytes = Uint8Array.from([0xcd, 1, 0xe0 + below(4), body.length, ...body, 0, 0, 0, 0]);
    reseal(bytes);
    const text = new Text("ann");
    text.insert(0, "mine");
    const before = text.digest();
    if (codeOf(() => text.merge(bytes)) !== "taken") expect(text.digest()).toBe(before);
  }
});

test("a position that its author cannot have meant undoes the whole update", () => {
  const author = new Text("ann");
  author.insert(0, "abc");
  const first = author.flush()!;
  author.insert(3, "d");
  author.insert(0, "e");
  const second = author.flush()!;
  const here = new Text("bob");
  here.insert(0, "mine");
  here.merge(first);
  const before = here.digest();
  // The insertion of "d" goes to 7 instead of 3.
  const changed = second.slice();
  const at = changed.findIndex((byte, index) => byte === 6 && changed[index + 1] === 7);
  expect(at).toBeGreaterThan(0);
  changed[at] = 14;
  reseal(changed);
  expect(codeOf(() => here.merge(changed))).toBe("CRDT_CORRUPT");
  expect(here.digest()).toBe(before);
  here.merge(second);
  expect(here.toString()).toBe("eabcdmine");
});

test("a few bytes cannot describe more than they pay for", () => {
  const text = new Text("ann");
  text.insert(0, "x".repeat(4_000_000));
  text.delete(0, 4_000_000);
  const kept = text.encode();
  const dropped = text.encode({ deleted: "drop" });
  expect(
    Text.load("bob", dropped)
      .at(new Map([["ann", 4]]))
      .toString(),
  ).toBe("\ufffd".repeat(4));
  expect(
    Text.load("bob", kept)
      .at(new Map([["ann", 4]]))
      .toString(),
  ).toBe("xxxx");
  // The padding stands at the end and is what pays. Without it the document is refused.
  expect(dropped.length).toBeGreaterThan(700_000);
});

test("a few bytes that describe half a billion operations are refused before there is room for them", () => {
  const many = 2 ** 29 - 1;
  const write = (tag: number, fields: readonly number[]): Uint8Array => {
    const writer = new ByteWriter();
    for (const field of fields) writer.number(field);
    return frame(tag, writer);
  };
  const [a, insert, remove] = [97, (many - 1) * 3, (many - 1) * 3 + 1];
  // Nothing; one run of one agent without parents: so much inserted at 0, and deleted again.
  const document = [0, 0, 1, 1, a, 1, 0, 0, 2 * many, 0, 0, 2, insert, remove, 0, 2 * many - 1];
  expect(codeOf(() => Text.load("bob", write(0xe1, document)).version)).toBe("CRDT_BUDGET");
  const text = new Text("ann");
  text.insert(0, "abc");
  const update = [1, 1, a, 1, 0, 0, many, 0, 0, 1, remove, 0];
  expect(codeOf(() => text.merge(write(0xe0, update)))).toBe("CRDT_CORRUPT");
  expect(text.toString()).toBe("abc");
});

test("a parent that is named twice is refused", () => {
  const text = new Text("ann");
  text.insert(0, "abc");
  text.insert(0, "x");
  const bytes = text.encodeSince(new Map());
  const at = bytes.indexOf(4); // One run of four: no parents.
  expect(bytes[at + 1]).toBe(0);
  const writer = new ByteWriter();
  // Two runs, the second with the end of the first as its parent, by its place and by its name.
  for (const field of [1, 3, 97, 110, 110, 2, 0, 0, 0, 0, 3, 1, 0, 3, 0, 0]) writer.byte(field);
  for (const field of [0, 2, 6, 0, 0, 5, 4, 97, 98, 99, 120]) writer.byte(field);
  expect(codeOf(() => new Text("bob").merge(frame(0xe0, writer)))).toBe("CRDT_CORRUPT");
});

test("the check is the one of RFC 3720", () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index))).toBe(0x46dd794e);
  expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe3069283);
});

function reseal(bytes: Uint8Array): void {
  const check = crc32c(bytes, 0, bytes.length - 4);
  for (let i = 0; i < 4; i++) bytes[bytes.length - 4 + i] = (check >>> (8 * i)) & 255;
}
