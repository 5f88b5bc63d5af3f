// The buffer against a string: whatever is cut and spliced, both read the same.

import { expect, test } from "vitest";
import { TextBuffer } from "../../src/sequence/text-buffer.ts";
import { generator } from "../generator.ts";

test.each([
  ["typing", 3, 3],
  ["pasting", 6000, 200],
  ["cutting", 40, 4000],
  ["moving", 9000, 9000],
])("a buffer reads as the string that was spliced likewise: %s", (_, insertMax, removeMax) => {
  const below = generator(insertMax * 7 + removeMax);
  const buffer = new TextBuffer();
  let text = "";
  for (let step = 0; step < 3_000; step++) {
    // Mostly near the last edit, sometimes anywhere.
    const position = below(text.length + 1);
    if (below(3) > 0 && text.length < 200_000) {
      const count = 1 + below(insertMax);
      const units = Uint16Array.from({ length: count + 2 }, () => 97 + below(26));
      buffer.insert(position, units, 1, count);
      text = text.slice(0, position) + stringOf(units.subarray(1, -1)) + text.slice(position);
    } else {
      const count = Math.min(text.length - position, below(removeMax + 1));
      buffer.remove(position, count);
      text = text.slice(0, position) + text.slice(position + count);
    }
    if (step % 97 === 0) {
      expect(buffer.toString() === text).toBe(true);
      expect(stringOf(buffer.units()) === text).toBe(true);
    }
    expect(buffer.length).toBe(text.length);
    if (text.length > 0) {
      const at = below(text.length);
      expect(buffer.unitAt(at)).toBe(text.charCodeAt(at));
      const to = at + below(text.length - at + 1);
      if (step % 10 === 0) expect(buffer.slice(at, to) === text.slice(at, to)).toBe(true);
    }
  }
  expect(buffer.clone().toString() === text).toBe(true);
});

test("a long text takes little more than its units", () => {
  const buffer = new TextBuffer();
  const unit = Uint16Array.of(97);
  for (let i = 0; i < 100_000; i++) buffer.insert(i, unit, 0, 1);
  expect(buffer.bytes).toBeLessThan(100_000 * 2 * 1.2);
  buffer.remove(0, 99_999);
  expect(buffer.bytes).toBeLessThan(100_000);
  expect(new TextBuffer().bytes).toBeLessThan(1_000);
});

function stringOf(units: Uint16Array): string {
  let text = "";
  for (const unit of units) text += String.fromCharCode(unit);
  return text;
}
