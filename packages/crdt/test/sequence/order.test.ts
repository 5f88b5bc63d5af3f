// Fugue's order, sentence by sentence. (Weidner and Kleppmann, "The Art of the Fugue", 2023.)
import { expect, test } from "vitest";
import { Text } from "../../src/sequence/text.ts";

const merged = (...texts: readonly Text[]): string => {
  const readings = texts.map((_, first) => {
    const end = new Text(`end-${first}`);
    for (let i = 0; i < texts.length; i++) {
      end.merge(texts[(first + i) % texts.length]!.encodeSince(new Map()));
    }
    return end.toString();
  });
  // Whatever the order of arrival.
  expect(new Set(readings).size).toBe(1);
  return readings[0] as string;
};

const shared = (content: string): Text => {
  const text = new Text("base");
  text.insert(0, content);
  return text;
};

test("siblings stand in the order of their authors' names", () => {
  const base = shared("");
  const [bob, alice] = [base.fork("bob"), base.fork("alice")];
  bob.insert(0, "B");
  alice.insert(0, "A");
  expect(merged(bob, alice)).toBe("AB");
});

test("runs typed forwards at one place do not interleave", () => {
  const base = shared("()");
  const [bob, alice] = [base.fork("bob"), base.fork("alice")];
  for (const [index, unit] of [..."bread"].entries()) bob.insert(1 + index, unit);
  for (const [index, unit] of [..."milk"].entries()) alice.insert(1 + index, unit);
  expect(merged(bob, alice)).toBe("(milkbread)");
});

test("runs typed backwards at one place do not interleave", () => {
  const base = shared("()");
  const [bob, alice] = [base.fork("bob"), base.fork("alice")];
  for (const unit of "daerb") bob.insert(1, unit);
  for (const unit of "klim") alice.insert(1, unit);
  expect(merged(bob, alice)).toBe("(milkbread)");
});

test("an insertion between two units goes there, even if one of them is deleted meanwhile", () => {
  const base = shared("ab");
  const [bob, alice] = [base.fork("bob"), base.fork("alice")];
  bob.insert(1, "-");
  alice.delete(0, 2);
  expect(merged(bob, alice)).toBe("-");
});

test("what two delete at once is deleted once", () => {
  const base = shared("abcdef");
  const [bob, alice] = [base.fork("bob"), base.fork("alice")];
  bob.delete(1, 3);
  alice.delete(2, 3);
  expect(merged(bob, alice)).toBe("af");
});

// Figure 7 of the paper is the exception: a run typed backwards, whose author has meanwhile seen
// something between its end and its left neighbour, hangs below that other thing, and so does what
// its own author types behind it. FugueMax would look at right neighbours and keep the two apart.
test("Figure 7: a run typed backwards around another's unit may be mixed with what follows that", () => {
  const base = shared("");
  const bob = base.fork("bob");
  const ann = base.fork("ann");
  bob.insert(0, "2");
  ann.insert(0, "C");
  bob.merge(ann.encodeSince(bob.version));
  expect(bob.toString()).toBe("C2");
  bob.insert(1, "1"); // Before his own 2: with its neighbour C, that is behind C.
  const zoe = ann.fork("zoe");
  zoe.insert(1, "c"); // Goes on where Ann stopped.
  expect(merged(bob, zoe)).toBe("C1c2");
});
