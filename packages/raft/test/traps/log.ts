// Traps of the log: what an append may replace, and what it commits.
import assert from "node:assert/strict";
import { entry, Lab } from "../lab.ts";
import type { Trap } from "./trap.ts";

export const log: readonly Trap[] = [
  {
    name: "§5.4.2: “only log entries from the leader’s current term are committed by counting replicas”",
    run(subject) {
      // Figure 8: term 2 is on a majority, and may still be overwritten by a leader of term 3.
      const lab = new Lab(subject, []);
      const confState = { ...subject.EMPTY_CONF_STATE, voters: [1, 2, 3] };
      for (const id of [1, 2, 3]) lab.add(id, confState, id < 3 ? [[2, 2]] : []);
      lab.node(1).campaign();
      lab.work(1);
      lab.node(1).step(lab.message("vote-response", 2, 1, {}));
      assert.equal(lab.core(1).role, "leader");
      lab.work(1);
      // Two of three have entry 2; the leader's own entry 3 is with nobody else.
      lab.node(1).step(lab.message("append-response", 2, 1, { index: 2 }));
      assert.equal(lab.core(1).log.committed, 1);
      lab.node(1).step(lab.message("append-response", 2, 1, { index: 3 }));
      assert.equal(lab.core(1).log.committed, 3);
    },
  },
  {
    name: "figure 2: “if an existing entry conflicts”, and only then, what follows is deleted",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      const entries = [entry(2, 1), entry(3, 1), entry(4, 1)];
      const at = { term: 1, index: 1, logTerm: 1 };
      lab.node(2).step(lab.message("append", 1, 2, { ...at, entries }));
      // The first of them again, late.
      lab.node(2).step(lab.message("append", 1, 2, { ...at, entries: entries.slice(0, 1) }));
      assert.equal(lab.core(2).log.lastIndex(), 4);
      lab.node(2).step(lab.message("append", 1, 2, { ...at, term: 2, entries: [entry(2, 2)] }));
      assert.equal(lab.core(2).log.lastIndex(), 2);
    },
  },
  {
    name: "State Machine Safety: a committed entry is never replaced; a leader that wants it is refused",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      const at = { term: 1, index: 1, logTerm: 1 };
      lab.node(2).step(lab.message("append", 1, 2, { ...at, entries: [entry(2, 1)], commit: 2 }));
      // Behind the commit index nothing is even looked at.
      const other = { ...at, term: 2, entries: [entry(2, 2), entry(3, 2)] };
      lab.node(2).step(lab.message("append", 1, 2, other));
      assert.equal(lab.core(2).log.term(2), 1);
      assert.throws(() => lab.core(2).log.maybeAppend(1, 1, [entry(2, 2)], 2), {
        code: "RAFT_CORRUPT",
      });
    },
  },
  {
    name: "figure 2: “commitIndex = min(leaderCommit, index of last new entry)”",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      const at = { term: 1, index: 1, logTerm: 1 };
      const entries = [entry(2, 1), entry(3, 1)];
      lab.node(2).step(lab.message("append", 1, 2, { ...at, entries }));
      // Entry 3 may not be the leader's: this append says nothing of it.
      const next = { ...at, term: 2, entries: entries.slice(0, 1), commit: 3 };
      lab.node(2).step(lab.message("append", 3, 2, next));
      assert.equal(lab.core(2).log.committed, 2);
    },
  },
  {
    name: "a heartbeat commits no more than the follower is known to have",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      lab.elect(1);
      lab.propose(1, "x");
      lab.settle([1, 2]);
      lab.tick(1);
      lab.work(1);
      const commits = lab.sent
        .filter(({ type }) => type === "heartbeat")
        .map(({ to, commit }) => [to, commit]);
      assert.deepEqual(commits, [
        [2, 3],
        [3, 2],
      ]);
    },
  },
  {
    name: "§7: a snapshot of what the log already has does not throw the rest of the log away",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      const entries = [entry(2, 1), entry(3, 1)];
      lab.node(2).step(lab.message("append", 1, 2, { term: 1, index: 1, logTerm: 1, entries }));
      const confState = { ...subject.EMPTY_CONF_STATE, voters: [1, 2, 3] };
      const snapshot = { index: 2, term: 1, confState, data: subject.NO_BYTES };
      lab.node(2).step(lab.message("snapshot", 1, 2, { term: 1, snapshot }));
      assert.equal(lab.core(2).log.lastIndex(), 3);
      assert.equal(lab.core(2).log.committed, 2);
    },
  },
  {
    name: "a window whose messages were all lost gets going again with the next heartbeat",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3], { inflightMessagesMax: 2 });
      lab.elect(1);
      for (const text of ["a", "b", "c"]) lab.propose(1, text);
      lab.settle([1, 2]);
      lab.tick(1);
      lab.settle();
      assert.equal(lab.core(3).log.lastIndex(), 5);
    },
  },
  {
    name: "a rejected probe skips a whole term, not an entry (§5.3, at its end)",
    run(subject) {
      const lab = new Lab(subject, []);
      const confState = { ...subject.EMPTY_CONF_STATE, voters: [1, 2] };
      const long = Array.from({ length: 100 }, (_, at): [number, number] => [at + 2, 3]);
      lab.add(1, confState, long);
      const other = Array.from({ length: 100 }, (_, at): [number, number] => [at + 2, 2]);
      lab.add(2, confState, other);
      lab.node(1).campaign();
      let probes = 0;
      for (let round = 0; round < 20; round++) {
        lab.work(1);
        lab.work(2);
        probes += lab.sent.filter(({ type }) => type === "append").length;
        lab.deliver();
      }
      assert.equal(lab.core(2).log.lastTerm(), lab.core(1).term);
      assert.ok(probes < 10, `${probes} probes`);
    },
  },
];
