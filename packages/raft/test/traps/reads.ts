// Traps of reads and of the leader's bounds.
import assert from "node:assert/strict";
import { bytes, Lab } from "../lab.ts";
import type { Trap } from "./trap.ts";

export const reads: readonly Trap[] = [
  {
    name: "thesis §6.4: a leader answers no read before it has committed an entry of its term",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      lab.elect(1);
      lab.propose(1, "x");
      lab.settle([1, 2]);
      // Node 2 has "x" and does not know that it is committed.
      const core = lab.core(2);
      lab.node(2).campaign();
      lab.work(2);
      lab.deliver(({ to }) => to === 3);
      lab.work(3);
      lab.deliver(({ to }) => to === 2);
      assert.equal(core.role, "leader");
      lab.node(2).readIndex(bytes("r"));
      lab.work(2);
      assert.equal(lab.sent.filter(({ readRound }) => readRound > 0).length, 0);
      lab.settle([2, 3]);
      const [read] = lab.member(2).reads;
      assert.ok((read?.index ?? 0) >= 4, `the read is answered at ${read?.index}`);
    },
  },
  {
    name: "thesis §6.4: only what is heard after the read began confirms that the leader still leads",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      lab.elect(1);
      lab.node(1).readIndex(bytes("first"));
      lab.work(1);
      const heartbeats = lab.sent;
      lab.sent = [];
      lab.node(1).readIndex(bytes("second"));
      lab.work(1);
      lab.lose();
      // The answers to the first read's heartbeats say nothing of the second.
      for (const heartbeat of heartbeats) lab.node(heartbeat.to).step(heartbeat);
      for (const id of [2, 3]) lab.work(id);
      lab.deliver();
      lab.work(1);
      const answered = lab.member(1).reads.map(({ context }) => new TextDecoder().decode(context));
      assert.deepEqual(answered, ["first"]);
    },
  },
  {
    name: "thesis §6.4: a leader that was deposed answers no read",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      lab.elect(1);
      lab.settle();
      lab.elect(2, [2, 3]);
      lab.propose(2, "x");
      lab.settle([2, 3]);
      lab.node(1).readIndex(bytes("r"));
      lab.settle();
      assert.deepEqual(lab.member(1).reads, []);
    },
  },
  {
    name: "thesis §6.4: a follower's read goes to the leader, and comes back with its context",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      lab.elect(1);
      lab.node(2).readIndex(bytes("r"));
      lab.settle();
      assert.deepEqual(lab.member(2).reads, [{ index: 2, context: bytes("r") }]);
    },
  },
  {
    name: "a single voter, too, commits in its term before it answers a read",
    run(subject) {
      const lab = new Lab(subject, [1]);
      lab.elect(1);
      lab.propose(1, "x");
      lab.settle();
      // The commit index was not written in time; the entry was.
      lab.member(1).storage.setHardState({ term: 1, vote: 1, commit: 1 });
      lab.crash(1);
      lab.node(1).campaign();
      lab.node(1).ready();
      lab.node(1).advance();
      lab.node(1).readIndex(bytes("r"));
      assert.equal(lab.core(1).readStates.length, 0);
      lab.settle();
      assert.equal(lab.member(1).reads[0]?.index, 4);
    },
  },
  {
    name: "proposals beyond the bound on uncommitted bytes are refused, empty entries never",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3], { uncommittedBytesMax: 10 });
      lab.elect(1);
      assert.equal(lab.propose(1, "larger than the bound"), undefined);
      assert.equal(lab.propose(1, "x"), "uncommitted-bytes");
      assert.equal(lab.propose(1, ""), undefined);
      lab.settle();
      assert.equal(lab.propose(1, "x"), undefined);
    },
  },
  {
    name: "the bound on waiting reads is an outcome",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3], { readsMax: 2 });
      lab.elect(1);
      const outcomes = ["a", "b", "c"].map((text) => lab.node(1).readIndex(bytes(text)));
      assert.deepEqual(outcomes, [undefined, undefined, "too-many-reads"]);
      assert.equal(lab.node(1).readIndex(bytes("d")), "too-many-reads");
      lab.settle();
      assert.equal(lab.member(1).reads.length, 2);
    },
  },
];
