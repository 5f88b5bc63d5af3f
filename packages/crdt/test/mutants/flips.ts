// Every flipped bit and every truncation of a small state must be refused.
import type { Subject } from "../lattice/case.ts";

/** Throws when one of them is read. */
export function checkFlips(subject: Subject): void {
  const set = new subject.AddWinsSet<string>("eu");
  set.add("a");
  set.add("b");
  const bytes = set.encode();
  const told = [...bytes.keys()].map((length) => bytes.slice(0, length));
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    told.push(flipped);
  }
  for (const each of told) {
    try {
      subject.Delta.decode(each);
    } catch (error) {
      if (error instanceof subject.CrdtError) continue;
      throw error;
    }
    throw new Error("a damaged state was read");
  }
}
