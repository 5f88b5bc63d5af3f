// Traps of elections, leases, pre-votes and transfers.
import assert from "node:assert/strict";
import { ELECTION_TICKS, Lab } from "../lab.ts";
import type { Trap } from "./trap.ts";

export const elections: readonly Trap[] = [
  {
    name: "§5.4.1: “the voter denies its vote if its own log is more up-to-date”",
    run(subject) {
      const lab = new Lab(subject, []);
      const confState = { ...subject.EMPTY_CONF_STATE, voters: [1, 2, 3] };
      const own: [number, number][] = [
        [2, 2],
        [3, 3],
      ];
      const asked = (index: number, logTerm: number): boolean => {
        const { node } = lab.add(2, confState, own);
        node.step(lab.message("vote", 1, 2, { term: 4, index, logTerm }));
        const [answer] = node.ready().promises;
        return answer?.reject === false;
      };
      assert.equal(asked(9, 2), false, "longer, but of an earlier term");
      assert.equal(asked(2, 3), false, "shorter");
      assert.equal(asked(3, 3), true, "the same");
      assert.equal(asked(2, 4), true, "shorter, but of a later term");
    },
  },
  {
    name: "§5.2: “each server will vote for at most one candidate in a given term”",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      const request = { term: 1, index: 1, logTerm: 1 };
      for (const from of [1, 3, 1]) lab.node(2).step(lab.message("vote", from, 2, request));
      lab.work(2);
      const answers = lab.sent.map(({ to, reject }) => [to, reject]);
      assert.deepEqual(answers, [
        [1, false],
        [3, true],
        [1, false],
      ]);
    },
  },
  {
    name: "thesis §9.6: a pre-vote changes neither term nor vote, on either side",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3], { preVote: true });
      lab.node(1).campaign();
      lab.work(1);
      assert.equal(lab.core(1).term, 0);
      lab.deliver();
      assert.equal(lab.core(2).term, 0);
      assert.equal(lab.core(2).vote, 0);
      assert.equal(lab.core(2).electionElapsed, 0);
      lab.work(2);
      assert.equal(lab.member(2).storage.initialState().hardState.term, 0);
    },
  },
  {
    name: "thesis §9.6: a member that was cut off does not depose a leader when it comes back",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3], { preVote: true, checkQuorum: true });
      lab.elect(1);
      for (let timeout = 0; timeout < 5; timeout++) {
        lab.tick(3, 2 * ELECTION_TICKS);
        lab.settle([3]);
        lab.tick(1);
        lab.settle([1, 2]);
      }
      lab.tick(3, 2 * ELECTION_TICKS);
      lab.settle();
      assert.equal(lab.core(1).role, "leader");
      assert.equal(lab.core(1).term, 1);
    },
  },
  {
    name: "thesis §4.2.3: a removed member's votes are not even looked at while a leader is heard of",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3], { checkQuorum: true });
      lab.elect(1);
      lab.node(2).step(lab.message("vote", 9, 2, { term: 8, index: 99, logTerm: 7 }));
      lab.work(2);
      assert.equal(lab.core(2).term, 1);
      assert.deepEqual(lab.sent, []);
      lab.tick(2, ELECTION_TICKS);
      lab.node(2).step(lab.message("vote", 3, 2, { term: 8, index: 99, logTerm: 7 }));
      assert.equal(lab.core(2).term, 8);
    },
  },
  {
    name: "a node whose term ran ahead is not stuck for ever: it tells a leader of a lower term",
    run(subject) {
      for (const options of [{ checkQuorum: true }, { preVote: true }]) {
        const lab = new Lab(subject, [1, 2, 3], options);
        lab.elect(1);
        lab.member(3).storage.setHardState({ term: 7, vote: 3, commit: 1 });
        lab.crash(3);
        lab.tick(1);
        lab.settle();
        assert.equal(lab.core(1).term, 7);
        lab.tick(1, 2 * ELECTION_TICKS);
        lab.tick(2, ELECTION_TICKS);
        lab.tick(3, ELECTION_TICKS);
        lab.settle();
        assert.equal(lab.core(1).role, "leader");
        assert.equal(lab.core(3).lead, 1);
      }
    },
  },
  {
    name: "thesis §6.2: a leader that hears of no majority for an election timeout steps down",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3], { checkQuorum: true });
      lab.elect(1);
      lab.tick(1, 2 * ELECTION_TICKS);
      assert.equal(lab.core(1).role, "follower");
    },
  },
  {
    name: "thesis §3.10: a transfer to a member that crashed ends, and proposals are taken again",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      lab.elect(1);
      lab.node(1).transferLeader(3);
      assert.equal(lab.propose(1, "x"), "transferring");
      lab.settle([1, 2]);
      lab.tick(1, ELECTION_TICKS);
      assert.equal(lab.propose(1, "x"), undefined);
    },
  },
  {
    name: "thesis §3.10: a transfer passes the lease, and waits for a log that is up to date",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3], { checkQuorum: true, preVote: true });
      lab.elect(1);
      lab.propose(1, "x");
      lab.settle([1, 2]);
      lab.node(1).transferLeader(3);
      lab.tick(1);
      lab.settle();
      assert.equal(lab.core(3).role, "leader");
      assert.deepEqual(lab.member(3).applied.includes("x"), true);
    },
  },
  {
    name: "an election that a refusal could settle is not lost: refusals tell what is committed",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      lab.elect(1);
      lab.propose(1, "x");
      lab.work(1);
      lab.deliver(({ to }) => to > 1);
      lab.work(2);
      lab.work(3);
      lab.deliver(({ to }) => to === 1);
      // Node 1 knows that "x" is committed; node 3, with the same log, does not. Now 1 has more.
      lab.propose(1, "y");
      lab.work(1);
      lab.lose();
      assert.equal(lab.core(3).log.committed, 2);
      lab.node(3).campaign();
      lab.settle([1, 3]);
      assert.equal(lab.core(3).log.committed, 3);
    },
  },
  {
    name: "§5.2: a timeout is put off by “granting vote to candidate”, not by refusing it",
    run(subject) {
      const lab = new Lab(subject, []);
      const confState = { ...subject.EMPTY_CONF_STATE, voters: [1, 2, 3] };
      const { node } = lab.add(1, confState, [[2, 1]]);
      const ask = (term: number, index: number) => {
        node.step(lab.message("vote", 2, 1, { term, index, logTerm: 1 }));
        return lab.core(1).electionElapsed;
      };
      lab.tick(1, 5);
      assert.equal(ask(2, 1), 5);
      assert.equal(ask(3, 2), 0);
    },
  },
  {
    name: "a learner whose term ran ahead is not stuck either, although it never campaigns",
    run(subject) {
      const lab = new Lab(subject, [1]);
      lab.elect(1);
      lab.add(2);
      lab.change(1, [{ type: "add-learner", id: 2 }]);
      lab.work(1);
      const confState = { ...subject.EMPTY_CONF_STATE, voters: [1], learners: [2] };
      lab.member(1).storage.createSnapshot(3, confState, subject.NO_BYTES);
      lab.tick(1);
      lab.settle();
      // A member that was removed long ago still campaigns, and this one has not forgotten it.
      lab.node(2).step(lab.message("vote", 9, 2, { term: 8, index: 1, logTerm: 1 }));
      lab.settle();
      lab.tick(1);
      lab.settle();
      assert.equal(lab.core(1).term, 8);
      lab.elect(1);
      assert.equal(lab.core(2).lead, 1);
    },
  },
  {
    name: "figure 2: a candidate of a lower term is told the term (“currentTerm, for candidate to update”)",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      lab.member(2).storage.setHardState({ term: 7, vote: 2, commit: 1 });
      lab.crash(2);
      lab.node(1).campaign();
      lab.settle([1, 2]);
      assert.equal(lab.core(1).term, 7);
      assert.equal(lab.core(1).role, "follower");
    },
  },
];
