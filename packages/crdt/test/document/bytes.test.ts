// Bytes that nobody sent: refused with a typed error, and the document is as it was.
import { expect, test } from "vitest";
import { ByteWriter } from "../../src/encoding/byte-writer.ts";
import { frame } from "../../src/encoding/frame.ts";
import { addWinsSet, CrdtError, Document, list, text, tree } from "../../src/index.ts";

const schema = { title: text(), tags: addWinsSet<string>(), notes: list(), outline: tree() };

function sample(): Document<typeof schema> {
  const document = new Document("a", schema);
  document.change((d) => {
    d.title.insert(0, "hi");
    d.tags.add("t");
    d.notes.insert(0, 1);
    d.outline.add();
  });
  return document;
}

function isRefused(call: () => unknown): boolean {
  try {
    call();
    return false;
  } catch (error) {
    if (error instanceof CrdtError) return true;
    throw error;
  }
}

test("every flipped bit and every truncation", () => {
  const a = sample();
  const b = new Document("b", schema);
  b.change((d) => d.tags.add("own"));
  const digest = b.digest();
  for (const bytes of [a.encode(), a.updates(new Map())]) {
    for (let length = 0; length < bytes.length; length++) {
      expect(isRefused(() => b.merge(bytes.slice(0, length)))).toBe(true);
    }
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(isRefused(() => b.merge(flipped))).toBe(true);
      expect(isRefused(() => Document.load("c", schema, flipped))).toBe(true);
    }
  }
  expect([b.digest(), b.pending]).toEqual([digest, 0]);
});

test("a byte changed under a check that agrees: all of it is taken, or nothing", () => {
  const bytes = sample().updates(new Map());
  const body = bytes.slice(4 + (bytes.length > 137 ? 1 : 0), -4);
  let refused = 0;
  for (let at = 0; at < body.length; at++) {
    const changed = body.slice();
    changed[at]! ^= 1;
    const writer = new ByteWriter();
    writer.bytes(changed);
    const b = new Document("b", schema);
    b.change((d) => d.title.insert(0, "own"));
    const digest = b.digest();
    if (!isRefused(() => b.merge(frame(0xd0, writer)))) continue;
    refused++;
    expect(b.digest()).toBe(digest);
    expect(`${b.view.title}`).toBe("own");
  }
  expect(refused).toBeGreaterThan(body.length / 2);
});
