// Updates written by hand: what no replica would ever send, behind a check that agrees.
import assert from "node:assert/strict";
import { ByteWriter } from "../../src/encoding/byte-writer.ts";
import { frame } from "../../src/encoding/frame.ts";
import type { Package } from "./bytes.ts";

// One agent, one run of steps that know nothing: agents | runs | rows | agents | targets | values.
function update(steps: number, body: readonly number[], agent = "ann"): Uint8Array {
  const writer = new ByteWriter();
  writer.number(1);
  writer.ascii(agent);
  for (const value of [1, 0, 0, steps, 0, ...body]) writer.number(value);
  return frame(0xe4, writer);
}

const [INSERT, MOVE, SET, DELETE, RESTORE] = [0, 1, 2, 3, 4];
// No other agents: all targets are the author's own, 0, and so many further than the last.
const NONE = 0;
// As another agent: how many, its name, and who it is in the columns.
const ANN = [1, 3, ...Buffer.from("ann"), 1];

const wrong: readonly (readonly [string, Uint8Array])[] = [
  ["a place outside of all places", update(1, [1, INSERT, 2, NONE, 0])],
  ["a move of itself", update(1, [1, MOVE, 0, NONE, 0, 0])],
  ["a move of what is made later", update(2, [2, MOVE, INSERT, 0, 0, NONE, 0, 2, 0])],
  ["setting a deletion", update(3, [3, INSERT, DELETE, SET, 0, NONE, 0, 0, 0, 0, 0, 0])],
  ["deleting a move", update(3, [3, INSERT, MOVE, DELETE, 0, 0, NONE, 0, 0, 0, 0, 0])],
  ["taking back an insertion", update(2, [2, INSERT, RESTORE, 0, NONE, 0, 0, 0])],
  ["fewer steps than there are operations", update(3, [1, INSERT, 0, NONE, 0])],
  ["more steps than there are operations", update(1, [1, INSERT + 5, 0, NONE, 0, 0])],
  ["an agent that is not named", update(2, [2, INSERT, DELETE, 0, NONE, 1, 0, 0])],
  ["a value that is none", update(1, [1, INSERT, 0, NONE, 9])],
  ["many steps and no bytes for them", update(2 ** 29, [1, (2 ** 29 - 1) * 5, 0, NONE])],
];

type Check = (subject: Package) => void;

function isCorrupt(subject: Package, attempt: () => unknown): void {
  assert.throws(attempt, (error) => {
    return error instanceof subject.CrdtError && error.code === "CRDT_CORRUPT";
  });
}

const refusals = wrong.map(([name, bytes]): [string, Check] => [
  `${name} is refused`,
  (subject) => {
    const list = new subject.MovableList("bob");
    list.push("mine");
    const digest = list.digest();
    isCorrupt(subject, () => list.merge(bytes));
    assert.deepEqual([list.digest(), list.stats.pending, list.stats.places], [digest, 0, 1]);
    list.push("more");
    list.move(1, 0);
    const copy = subject.MovableList.load("carl", list.encode());
    assert.deepEqual(copy.toArray(), ["more", "mine"]);
  },
]);

/** By what they show. */
export const byHand: Readonly<Record<string, Check>> = {
  "steps that are right are taken": ({ MovableList }) => {
    const list = new MovableList("bob");
    list.merge(update(1, [1, INSERT, 0, NONE, /* null */ 0]));
    list.merge(update(2, [2, INSERT, MOVE, 0, 0, NONE, 0, 0, 0]));
    assert.deepEqual(list.toArray(), [null]);
  },

  ...Object.fromEntries(refusals),

  "what was refused leaves nothing behind, though it went on where the last step was": (
    subject,
  ) => {
    const list = new subject.MovableList("bob");
    list.push("a", "b", "c");
    list.move(0, 2);
    // A step of ann's moves bob's first to a place far outside.
    const bytes = update(1, [1, MOVE, 198, 1, 3, ...Buffer.from("bob"), 1, 0]);
    isCorrupt(subject, () => list.merge(bytes));
    list.move(0, 1);
    const copy = subject.MovableList.load("carl", list.encode());
    assert.deepEqual(copy.toArray(), ["c", "b", "a"]);
    assert.equal(copy.digest(), list.digest());
  },

  "nobody takes back what another has deleted": (subject) => {
    const ann = new subject.MovableList("ann");
    ann.push("a");
    ann.delete(0);
    // A step of bob's is about ann's second.
    const bytes = update(1, [1, RESTORE, ...ANN, 2], "bob");
    isCorrupt(subject, () => ann.merge(bytes));
    assert.deepEqual(ann.toArray(), []);
  },

  "a step about what is not known waits for it, whoever names it": ({ MovableList }) => {
    const [ann, here] = [new MovableList("ann"), new MovableList("carl")];
    ann.push("a");
    const bytes = update(1, [1, DELETE, ...ANN, 0], "bob");
    assert.deepEqual(here.merge(bytes), { applied: 0, pending: 1 });
    assert.deepEqual(here.merge(ann.flush()!), { applied: 2, pending: 0 });
    ann.merge(bytes);
    assert.deepEqual(ann.toArray(), []);
    assert.equal(here.digest(), ann.digest());
  },
};
