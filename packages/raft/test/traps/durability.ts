// Traps of the disk: what is said before it is durable, and what storage says too late.
import assert from "node:assert/strict";
import type { Message } from "@compendium/raft";
import { entry, Lab } from "../lab.ts";
import type { Trap } from "./trap.ts";

const types = (messages: readonly Message[]): string[] => messages.map(({ type }) => type);

export const durability: readonly Trap[] = [
  {
    name: "thesis §3.8: “each server persists its current term and vote” before it answers a candidate",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      lab.node(2).step(lab.message("vote", 1, 2, { term: 1, index: 1, logTerm: 1 }));
      const ready = lab.node(2).ready();
      assert.deepEqual(ready.messages, []);
      assert.deepEqual(types(ready.promises), ["vote-response"]);
      assert.deepEqual(ready.hardState, { term: 1, vote: 1, commit: 1 });
      assert.equal(ready.mustSync, true);
    },
  },
  {
    name: "thesis §3.8: a candidate's own vote is on disk before it asks for others and before it counts",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      lab.node(1).campaign();
      const ready = lab.node(1).ready();
      assert.deepEqual(ready.messages, []);
      assert.deepEqual(types(ready.promises), ["vote", "vote"]);

      const alone = new Lab(subject, [1]);
      alone.node(1).campaign();
      alone.node(1).ready();
      assert.equal(alone.core(1).role, "candidate");
      alone.node(1).advance();
      assert.equal(alone.core(1).role, "leader");
    },
  },
  {
    name: "thesis §3.8: a vote that was given stands after a crash",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      lab.node(2).step(lab.message("vote", 1, 2, { term: 1, index: 1, logTerm: 1 }));
      lab.work(2);
      lab.crash(2);
      lab.lose();
      lab.node(2).step(lab.message("vote", 3, 2, { term: 1, index: 1, logTerm: 1 }));
      lab.work(2);
      assert.deepEqual(
        lab.sent.map(({ reject }) => reject),
        [true],
      );
    },
  },
  {
    name: "thesis §3.8: entries are persisted “before they are counted towards the entries’ commitment”",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3]);
      lab.elect(1);
      lab.propose(1, "x");
      // A follower: the answer waits for the disk.
      const leader = lab.node(1).ready();
      for (const message of leader.messages) lab.members.get(message.to)?.node.step(message);
      const follower = lab.node(2).ready();
      assert.deepEqual(follower.messages, []);
      assert.deepEqual(types(follower.promises), ["append-response"]);
      // The leader's own copy, too: with one answer of three, two have it only once it is synced.
      for (const promise of follower.promises) lab.node(1).step(promise);
      assert.equal(lab.core(1).log.committed, 2);
      lab.node(1).advance();
      assert.equal(lab.core(1).log.committed, 3);
    },
  },
  {
    name: "asynchronous writes: an acknowledgement counts only for that index and term, in that term",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3], { asyncStorageWrites: true });
      const { unstable } = lab.core(2).log;
      const append = (term: number, from: number) => {
        const entries = [entry(2, term)];
        lab.node(2).step(lab.message("append", from, 2, { term, index: 1, logTerm: 1, entries }));
        const written = lab
          .node(2)
          .ready()
          .messages.find(({ type }) => type === "storage-append");
        return written?.responses.find(({ type }) => type === "storage-append-response") as Message;
      };
      // Entry 2 of term 1 is written; term 2 replaces it, and a leader of term 3 brings it back.
      const first = append(1, 1);
      const second = append(2, 3);
      const entries = [entry(2, 1)];
      lab.node(2).step(lab.message("append", 1, 2, { term: 3, index: 1, logTerm: 1, entries }));
      const third = lab
        .node(2)
        .ready()
        .messages.find(({ type }) => type === "storage-append");
      // The first write is done. The second will overwrite it yet.
      lab.node(2).step(first);
      assert.equal(unstable.entries.length, 1);
      lab.node(2).step(second);
      assert.equal(unstable.entries.length, 1);
      const last = third?.responses.find(({ type }) => type === "storage-append-response");
      lab.node(2).step(last as Message);
      assert.equal(unstable.entries.length, 0);
    },
  },
  {
    name: "asynchronous writes: entries replaced within one term's write are not taken for durable",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3], { asyncStorageWrites: true });
      const { unstable } = lab.core(2).log;
      unstable.truncateAndAppend([entry(2, 1)]);
      unstable.truncateAndAppend([entry(2, 2)]);
      unstable.stableTo(2, 1);
      assert.equal(unstable.entries.length, 1);
      unstable.stableTo(2, 2);
      assert.equal(unstable.entries.length, 0);
    },
  },
  {
    name: "asynchronous writes: only what is durable here is applied here",
    run(subject) {
      const lab = new Lab(subject, [1, 2, 3], { asyncStorageWrites: true });
      const entries = [entry(2, 1)];
      const fields = { term: 1, index: 1, logTerm: 1, entries, commit: 2 };
      lab.node(2).step(lab.message("append", 1, 2, fields));
      const { messages } = lab.node(2).ready();
      assert.deepEqual(types(messages), ["storage-append"]);
      const [append] = messages;
      lab.member(2).storage.append(entries);
      for (const response of append?.responses ?? []) {
        if (response.to === 2) lab.node(2).step(response);
      }
      assert.deepEqual(types(lab.node(2).ready().messages), ["storage-apply"]);
    },
  },
];
