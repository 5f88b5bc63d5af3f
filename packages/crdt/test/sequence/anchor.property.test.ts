// Anchors on texts whose every unit is another one, so that it can be seen where each went.
import { expect, test } from "vitest";
import { Text } from "../../src/sequence/text.ts";
import { generator } from "../generator.ts";

test("an anchor follows its unit, on every replica, through whatever happens", () => {
  for (let seed = 0; seed < 150; seed++) {
    const below = generator(seed);
    const texts = [new Text("ann"), new Text("bob"), new Text("carol")];
    const anchors: { unit: string; anchor: ReturnType<Text["anchorAt"]> }[] = [];
    let next = 0x4e00;
    for (let step = 0; step < 60; step++) {
      const text = texts[below(3)]!;
      const position = below(text.length + 1);
      const action = below(8);
      if (action < 3) {
        const units = Array.from({ length: 1 + below(5) }, () => String.fromCharCode(next++));
        text.insert(position, units.join(""));
      } else if (action === 3 && position < text.length) {
        text.delete(position, Math.min(text.length - position, 1 + below(3)));
      } else if (action === 4 && position < text.length) {
        const anchor = text.anchorAt(position, "before");
        expect(text.positionOf(anchor)).toBe(position);
        expect(text.positionOf(text.anchorAt(position + 1, "after"))).toBe(position + 1);
        anchors.push({ unit: text.slice(position, position + 1), anchor });
      } else {
        const other = texts[below(3)]!;
        if (other !== text) text.merge(other.encodeSince(text.version));
      }
      for (const { unit, anchor } of anchors.slice(-3)) {
        const found = text.positionOf(anchor);
        const index = text.toString().indexOf(unit);
        if (index !== -1) expect(found).toBe(index);
        else expect(found === undefined || (found >= 0 && found <= text.length)).toBe(true);
      }
    }
  }
});

test("an anchor whose unit is deleted stays where the unit was", () => {
  const text = new Text("ann");
  text.insert(0, "abcdef");
  const [before, after] = [text.anchorAt(3, "before"), text.anchorAt(4, "after")];
  text.delete(2, 3);
  expect(text.toString()).toBe("abf");
  expect([text.positionOf(before), text.positionOf(after)]).toEqual([2, 2]);
});

test("the ends are anchors, too, and a unit that is not known is nowhere yet", () => {
  const text = new Text("ann");
  const other = text.fork("bob");
  const [start, end] = [text.anchorAt(0, "after"), text.anchorAt(0, "before")];
  text.insert(0, "xyz");
  expect([text.positionOf(start), text.positionOf(end)]).toEqual([0, 3]);
  expect(other.positionOf(text.anchorAt(1))).toBeUndefined();
  expect(() => text.anchorAt(4)).toThrow(RangeError);
});

test("an anchor that somebody made up is nowhere, and is not looked for without end", () => {
  const text = new Text("ann");
  text.insert(0, "xyz");
  for (const seq of [0.5, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e300, 3]) {
    expect(text.positionOf({ agent: "ann", seq, side: "before" })).toBeUndefined();
  }
});

test("an anchor does not stand between the halves of a character", () => {
  const text = new Text("ann");
  text.insert(0, "x\u{1f600}y");
  expect(() => text.anchorAt(2)).toThrow("surrogate");
  expect([1, 3].map((it) => text.positionOf(text.anchorAt(it, "after")))).toEqual([1, 3]);
});
