// Traps of changing the group.
import assert from "node:assert/strict";
import type { Change } from "@compendium/raft";
import { bytes, ELECTION_TICKS, Lab } from "../lab.ts";
import type { Trap } from "./trap.ts";

const add = (id: number): Change => ({ type: "add-voter", id });
const remove = (id: number): Change => ({ type: "remove", id });

// A leader that has applied the step from (1 2 3) to (1 4 5)&&(1 2 3), with 4 and 5 up to date.
function joint(lab: Lab): void {
  lab.add(4);
  lab.add(5);
  lab.elect(1, [1, 2, 3]);
  lab.change(1, [remove(2), remove(3), add(4), add(5)], "joint-explicit");
  lab.settle();
  assert.deepEqual(lab.core(1).tracker.configuration.outgoing, [1, 2, 3]);
  assert.equal(lab.core(5).log.lastIndex(), lab.core(1).log.lastIndex());
}

export const membership: readonly Trap[] = [
  {
    name: "§6: in a joint configuration, agreement “requires separate majorities from both”: commits",
    run(subject) {
      const lab = jointLab(subject);
      const { committed } = lab.core(1).log;
      lab.propose(1, "x");
      lab.settle([1, 4, 5]);
      assert.equal(lab.core(1).log.committed, committed, "the outgoing majority is missing");
      lab.tick(1);
      lab.settle([1, 2]);
      assert.equal(lab.core(1).log.committed, committed + 1);
    },
  },
  {
    name: "§6: in a joint configuration, agreement “requires separate majorities from both”: votes",
    run(subject) {
      const lab = jointLab(subject);
      lab.tick(4, 3 * ELECTION_TICKS);
      lab.settle([1, 4, 5]);
      assert.notEqual(lab.core(4).role, "leader");
      lab.tick(4, 3 * ELECTION_TICKS);
      lab.settle([2, 3, 4]);
      assert.notEqual(lab.core(4).role, "leader");
      lab.tick(4, 3 * ELECTION_TICKS);
      lab.settle([2, 3, 4, 5]);
      assert.equal(lab.core(4).role, "leader");
    },
  },
  {
    name: "§6: in a joint configuration, agreement “requires separate majorities from both”: reads",
    run(subject) {
      const lab = jointLab(subject);
      lab.node(1).readIndex(bytes("r"));
      lab.settle([1, 4, 5]);
      assert.equal(lab.member(1).reads.length, 0);
      lab.tick(1);
      lab.settle([1, 2]);
      assert.equal(lab.member(1).reads.length, 1);
    },
  },
  {
    name: "§6: in a joint configuration, agreement “requires separate majorities from both”: check-quorum",
    run(subject) {
      const lab = jointLab(subject, { checkQuorum: true });
      for (let round = 0; round < 3 * ELECTION_TICKS; round++) {
        lab.tick(1);
        lab.settle([1, 4, 5]);
      }
      assert.equal(lab.core(1).role, "follower");
    },
  },
  {
    name: "one change at a time: the next one is proposed in vain until the last is applied",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      lab.elect(1);
      lab.change(1, [add(4)]);
      lab.change(1, [add(5)]);
      lab.settle([1, 2, 3]);
      assert.deepEqual(lab.core(1).tracker.configuration.incoming, [1, 2, 3, 4]);
      lab.change(1, [add(5)]);
      lab.settle([1, 2, 3]);
      assert.deepEqual(lab.core(1).tracker.configuration.incoming, [1, 2, 3, 4, 5]);
    },
  },
  {
    name: "no change is proposed before the leader has applied all that earlier terms left in its log",
    run(subject) {
      const lab = new Lab(subject, []);
      const confState = { ...subject.EMPTY_CONF_STATE, voters: [1, 2, 3] };
      for (const id of [1, 2, 3]) lab.add(id, confState, [[2, 1]]);
      lab.node(1).campaign();
      lab.work(1);
      lab.node(1).step(lab.message("vote-response", 2, 1, {}));
      lab.change(1, [add(4)]);
      lab.settle();
      assert.deepEqual(lab.core(1).tracker.configuration.incoming, [1, 2, 3]);
      lab.change(1, [add(4)]);
      lab.settle();
      assert.deepEqual(lab.core(1).tracker.configuration.incoming, [1, 2, 3, 4]);
    },
  },
  {
    name: "nobody campaigns over a committed change that it has not applied",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      lab.elect(1);
      lab.change(1, [add(4)]);
      lab.work(1);
      lab.deliver(({ to }) => to > 1);
      lab.work(2);
      lab.deliver(({ to }) => to === 1);
      lab.work(1);
      lab.deliver(({ to }) => to === 2);
      const core = lab.core(2);
      assert.ok(core.log.committed > core.log.applied);
      lab.node(2).campaign();
      assert.equal(core.role, "follower");
      lab.work(2);
      lab.node(2).campaign();
      assert.equal(core.role, "candidate");
    },
  },
  {
    name: "an automatic joint configuration is left by the next leader, if the first one is gone",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      lab.elect(1);
      lab.change(1, [{ type: "add-learner", id: 4 }], "joint-implicit");
      lab.work(1);
      lab.deliver(({ to }) => to > 1);
      for (const id of [2, 3]) lab.work(id);
      lab.deliver(({ to }) => to === 1);
      // The leader applies the change and proposes to leave it; nobody hears of that.
      const ready = lab.node(1).ready();
      for (const message of ready.messages) lab.members.get(message.to)?.node.step(message);
      lab.sent = [];
      for (const id of [2, 3]) lab.work(id);
      lab.sent = [];
      assert.equal(lab.core(2).tracker.configuration.autoLeave, true);
      lab.elect(2, [2, 3]);
      assert.deepEqual(lab.core(2).tracker.configuration.outgoing, []);
      assert.deepEqual(lab.core(2).tracker.configuration.learners, [4]);
    },
  },
  {
    name: "thesis §4.2.2: a removed leader steps down once it has applied its removal, if told to",
    run(subject) {
      for (const stepDownOnRemoval of [false, true]) {
        const lab = new Lab(subject, [1, 2, 3], { stepDownOnRemoval });
        lab.elect(1);
        lab.change(1, [remove(1)]);
        lab.settle();
        assert.equal(lab.core(1).role, stepDownOnRemoval ? "follower" : "leader");
        assert.equal(lab.propose(1, "x"), stepDownOnRemoval ? "no-leader" : "not-a-member");
      }
    },
  },
  {
    name: "thesis §4.2.2: a leader that is not in the configuration counts itself in no majority",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      lab.elect(1);
      lab.change(1, [remove(1)]);
      lab.propose(1, "x");
      lab.work(1);
      lab.deliver(({ to }) => to > 1);
      lab.lose();
      lab.node(1).step(lab.message("append-response", 2, 1, { index: 3 }));
      lab.work(1);
      lab.lose();
      assert.equal(lab.core(1).log.committed, 3);
      lab.node(1).step(lab.message("append-response", 2, 1, { index: 4 }));
      assert.equal(lab.core(1).log.committed, 3, "one of (2 3)");
      lab.node(1).step(lab.message("append-response", 3, 1, { index: 4 }));
      assert.equal(lab.core(1).log.committed, 4);
    },
  },
  {
    name: "a learner has no vote that counts, and does not campaign; but it answers a candidate",
    run(subject) {
      const lab = new Lab(subject, [1, 2]);
      lab.add(3);
      lab.elect(1, [1, 2]);
      lab.change(1, [{ type: "add-learner", id: 3 }]);
      lab.settle();
      const { committed } = lab.core(1).log;
      lab.propose(1, "x");
      lab.settle([1, 3]);
      assert.equal(lab.core(1).log.committed, committed);
      lab.tick(3, 3 * ELECTION_TICKS);
      assert.equal(lab.core(3).role, "follower");
      lab.node(3).step(lab.message("vote", 2, 3, { term: 9, index: 99, logTerm: 9 }));
      lab.work(3);
      assert.deepEqual(
        lab.sent.filter(({ type }) => type === "vote-response").map(({ reject }) => reject),
        [false],
      );
    },
  },
  {
    name: "a change that no configuration follows from is appended as nothing",
    run(subject) {
      const lab = new Lab(subject, [1]);
      lab.elect(1);
      lab.change(1, [remove(1)]);
      lab.node(1).step({
        ...lab.message("propose", 1, 1, { term: 0 }),
        entries: [{ term: 0, index: 0, type: "conf-change", data: bytes("?") }],
      });
      lab.settle();
      assert.deepEqual(lab.core(1).tracker.configuration.incoming, [1]);
      assert.deepEqual(lab.member(1).applied, ["", "", ""]);
      assert.equal(lab.core(1).role, "leader");
    },
  },
  {
    name: "a snapshot from before a member joined is not sent to it",
    run(subject) {
      const lab = new Lab(subject, [1]);
      lab.elect(1);
      lab.add(2);
      lab.change(1, [add(2)]);
      lab.work(1);
      lab.settle();
      assert.equal(lab.core(1).tracker.get(2)?.state, "probe");
      const { storage } = lab.member(1);
      const confState = { ...subject.EMPTY_CONF_STATE, voters: [1, 2] };
      storage.createSnapshot(lab.core(1).log.applied, confState, subject.NO_BYTES);
      lab.tick(1);
      lab.settle();
      assert.equal(lab.core(1).tracker.get(2)?.state, "replicate");
    },
  },
  {
    name: "a snapshot is not taken while a change that it includes is being applied",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3], { asyncStorageWrites: true });
      const change = { transition: "auto" as const, changes: [add(4)], context: subject.NO_BYTES };
      const data = subject.encodeConfChange(change);
      const entries = [{ term: 1, index: 2, type: "conf-change" as const, data }];
      const fields = { term: 1, index: 1, logTerm: 1, entries, commit: 2 };
      const { node, storage } = lab.member(2);
      node.step(lab.message("append", 1, 2, fields));
      storage.append(entries);
      for (const message of node.ready().messages.flatMap(({ responses }) => responses)) {
        if (message.to === 2) node.step(message);
      }
      const [apply] = node.ready().messages;
      assert.equal(apply?.type, "storage-apply");
      const confState = { ...subject.EMPTY_CONF_STATE, voters: [1, 2, 3, 4] };
      const snapshot = { index: 5, term: 1, confState, data: subject.NO_BYTES };
      node.step(lab.message("snapshot", 1, 2, { snapshot }));
      node.applyConfChange(change);
      assert.equal(lab.core(2).log.committed, 2);
      for (const response of apply?.responses ?? []) node.step(response);
      node.step(lab.message("snapshot", 1, 2, { snapshot }));
      assert.equal(lab.core(2).log.committed, 5);
      assert.deepEqual(lab.core(2).tracker.configuration.incoming, [1, 2, 3, 4]);
    },
  },
];

function jointLab(subject: Parameters<Trap["run"]>[0], options = {}): Lab {
  const lab = new Lab(subject, [1, 2, 3], options);
  const { storage } = lab.member(1);
  // Whoever joins gets a snapshot that knows it.
  const plain = storage.snapshot.bind(storage);
  storage.snapshot = (member?: number) => {
    const core = lab.core(1);
    if (member === undefined || core.log.applied <= plain().index) return plain();
    const { incoming, outgoing, learners, learnersNext, autoLeave } = core.tracker.configuration;
    const state = { voters: incoming, votersOutgoing: outgoing, learners, learnersNext, autoLeave };
    return storage.createSnapshot(core.log.applied, state, subject.NO_BYTES);
  };
  joint(lab);
  return lab;
}
