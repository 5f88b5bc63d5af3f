// Bytes that nobody sent: refused whole, with an error that has a code, and nothing changed.
import assert from "node:assert/strict";
import { ByteWriter } from "../../src/encoding/byte-writer.ts";
import { frame } from "../../src/encoding/frame.ts";
import type * as crdt from "../../src/index.ts";
import { generator } from "../generator.ts";

/** The package, or a copy of it with a planted bug. */
export type Package = Pick<typeof crdt, "CrdtError" | "MovableList">;

const UPDATE = 0xe4;
const DOCUMENT = 0xe5;

/** An update and a whole list that have steps of every kind, and concurrency. */
export function samplesOf({ MovableList }: Package): Uint8Array[] {
  const ann = new MovableList("ann");
  ann.push("a", 1, null, "😀");
  const bob = ann.fork("bob");
  ann.move(0, 2);
  ann.delete(1);
  bob.move(0, 3);
  bob.set(0, 1.5);
  bob.insert(1, true, 7);
  undelete(ann, 5);
  ann.merge(bob.encodeSince(ann.version));
  ann.set(0, "z");
  return [ann.encodeSince(new Map()), ann.encode(), ann.encodeSince(new Map([["ann", 4]]))];
}

/** Takes back a deletion, as undoing in a document does. */
export function undelete(list: crdt.MovableList, seq: number): void {
  const { replica } = list as unknown as {
    replica: { find(id: object): number; restore(lv: number): void };
  };
  replica.restore(replica.find({ agent: list.agent, seq }));
}

function own({ MovableList }: Package): crdt.MovableList {
  const list = new MovableList("carl");
  list.push("mine", "too");
  list.move(0, 1);
  return list;
}

/** Whether bytes are refused, as an update and as a list; what is refused must change nothing. */
function isRefused(subject: Package, bytes: Uint8Array): boolean {
  const list = own(subject);
  const state = (): unknown[] => [list.digest(), list.stats.pending, list.stats.places];
  const before = state();
  const attempts = [() => list.merge(bytes), () => subject.MovableList.load("dora", bytes)];
  const [refused] = attempts.map((attempt) => {
    try {
      attempt();
      return false;
    } catch (error) {
      assert.ok(error instanceof subject.CrdtError, String(error));
      return true;
    }
  });
  if (refused) assert.deepEqual(state(), before);
  list.push("after");
  list.move(list.length - 1, 0);
  assert.equal(list.get(0), "after");
  return refused!;
}

/** Every flipped bit and every truncation. */
export function checkDamage(subject: Package): void {
  for (const bytes of samplesOf(subject)) {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      assert.ok(isRefused(subject, changed), `bit ${bit}`);
    }
    for (let length = 0; length < bytes.length; length++) {
      assert.ok(isRefused(subject, bytes.subarray(0, length)), `${length} bytes`);
    }
    assert.ok(isRefused(subject, Uint8Array.from([...bytes, 0])), "something behind the end");
  }
}

/** Bodies that are wrong, in a frame that is right. */
export function checkBodies(subject: Package, rounds: number): void {
  const below = generator(rounds);
  const bodies = samplesOf(subject).map((bytes) => bytes.slice(bytes.length > 136 ? 5 : 4, -4));
  let refused = 0;
  for (let round = 0; round < rounds; round++) {
    const body = round % 4 === 0 ? noise(below) : bodies[below(bodies.length)]!.slice();
    for (let i = below(3); i >= 0 && body.length > 0; i--) body[below(body.length)] = below(256);
    const writer = new ByteWriter();
    writer.bytes(body);
    if (isRefused(subject, frame(below(8) === 0 ? DOCUMENT : UPDATE, writer))) refused++;
  }
  assert.ok(refused > rounds / 2, `${refused} of ${rounds} refused`);
}

function noise(below: (limit: number) => number): Uint8Array {
  return Uint8Array.from({ length: below(40) }, () => (below(3) > 0 ? below(4) : below(256)));
}
