// The promises of the small neighbours, held against definitions that are too slow to ship.
import {
  type Change,
  type ConfChange,
  decodeConfChange,
  encodeConfChange,
  RaftError,
  type Transition,
} from "@compendium/raft";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { enterJoint, leaveJoint, simple } from "../src/confchange/changer.ts";
import { restoreMembership } from "../src/confchange/restore.ts";
import { limitBytes } from "../src/core/entry.ts";
import { jointCommittedIndex, jointVoteResult } from "../src/quorum/joint.ts";
import { committedIndex, voteResult } from "../src/quorum/majority.ts";
import { describeConfiguration, isJoint, toConfState } from "../src/tracker/configuration.ts";
import { Inflights } from "../src/tracker/inflights.ts";
import { Tracker } from "../src/tracker/tracker.ts";
import { entry } from "./lab.ts";

const voters = fc
  .uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 9 })
  .map((ids) => ids.sort((a, b) => a - b));
const indexes = fc.dictionary(fc.constantFrom(..."123456789"), fc.nat(20), { maxKeys: 9 });
const change = fc.record<Change>({
  type: fc.constantFrom("add-voter", "remove", "update", "add-learner"),
  id: fc.integer({ min: 0, max: 6 }),
});
const confChange = fc.record<ConfChange>({
  transition: fc.constantFrom<Transition>("auto", "joint-implicit", "joint-explicit"),
  changes: fc.array(change, { maxLength: 5 }),
  context: fc.uint8Array({ maxLength: 20 }),
});

describe("quorum", () => {
  test("committed is the highest index that more than half have reached", () => {
    fc.assert(
      fc.property(voters, indexes, (ids, known) => {
        const acked = (id: number) => known[id];
        const reached = (index: number) => ids.filter((id) => (acked(id) ?? 0) >= index).length;
        let expected = ids.length === 0 ? Number.POSITIVE_INFINITY : 0;
        for (let index = 1; index <= 20 && ids.length > 0; index++) {
          if (reached(index) * 2 > ids.length) expected = index;
        }
        expect(committedIndex(ids, { acked })).toBe(expected);
      }),
    );
  });

  test("two majorities of one set share a voter: no two candidates win", () => {
    const ballots = fc.dictionary(fc.constantFrom(..."123456789"), fc.boolean());
    fc.assert(
      fc.property(voters, ballots, (ids, cast) => {
        fc.pre(ids.length > 0);
        const votes = new Map(Object.entries(cast).map(([id, yes]) => [Number(id), yes]));
        const others = new Map(ids.map((id) => [id, votes.get(id) === false]));
        const both = voteResult(ids, votes) === "won" && voteResult(ids, others) === "won";
        expect(both).toBe(false);
      }),
    );
  });

  test("a joint decision is one that each of the two would take", () => {
    fc.assert(
      fc.property(voters, voters, indexes, (incoming, outgoing, known) => {
        const acknowledged = { acked: (id: number) => known[id] };
        const index = jointCommittedIndex({ incoming, outgoing }, acknowledged);
        const each = [incoming, outgoing].map((ids) => committedIndex(ids, acknowledged));
        expect(index).toBe(Math.min(...each));
        const votes = new Map(Object.entries(known).map(([id, at]) => [Number(id), at % 2 === 0]));
        const won = [incoming, outgoing].every((ids) => voteResult(ids, votes) === "won");
        expect(jointVoteResult({ incoming, outgoing }, votes) === "won").toBe(won);
      }),
    );
  });
});

describe("changes of the membership", () => {
  test("what was encoded is decoded", () => {
    fc.assert(
      fc.property(confChange, (given) => {
        expect(decodeConfChange(encodeConfChange(given))).toEqual(given);
      }),
    );
  });

  test("any other bytes are refused with RAFT_MALFORMED", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          const decoded = decodeConfChange(bytes);
          expect(decodeConfChange(encodeConfChange(decoded))).toEqual(decoded);
        } catch (error) {
          expect(error).toBeInstanceOf(RaftError);
          expect((error as RaftError).code).toBe("RAFT_MALFORMED");
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("each change is worked out whole or refused; what is stored of it restores it", () => {
    const step = fc.tuple(fc.nat(3), fc.array(change, { maxLength: 4 }), fc.boolean());
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const tracker = new Tracker(4, 1_000);
        const first = simple(tracker, 1, [{ type: "add-voter", id: 1 }]);
        tracker.switchTo(first.configuration, first.members);
        for (const [way, changes, autoLeave] of steps) {
          const before = describeConfiguration(tracker.configuration);
          try {
            const next =
              way === 0
                ? enterJoint(tracker, 5, autoLeave, changes)
                : way === 1
                  ? leaveJoint(tracker, 5)
                  : simple(tracker, 5, changes);
            tracker.switchTo(next.configuration, next.members);
          } catch (error) {
            expect((error as RaftError).code).toBe("RAFT_CONF_CHANGE");
            expect(describeConfiguration(tracker.configuration)).toBe(before);
          }
          const { configuration } = tracker;
          expect(configuration.incoming.length).toBeGreaterThan(0);
          if (!isJoint(configuration)) expect(configuration.learnersNext).toEqual([]);
          const { incoming, outgoing, learners } = configuration;
          const ids = new Set([...incoming, ...outgoing, ...learners]);
          expect(tracker.members.map(({ id }) => id)).toEqual([...ids].sort((a, b) => a - b));
          const restored = restoreMembership(tracker, 5, toConfState(configuration));
          expect(restored.configuration).toEqual(configuration);
        }
      }),
    );
  });
});

test("the window of appends in flight is a queue with two bounds", () => {
  const act = fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 9 }), fc.nat(30));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.array(act), (countMax, acts) => {
      const window = new Inflights(countMax, 100);
      let queue: { index: number; bytes: number }[] = [];
      let last = 0;
      for (const [adds, step, bytes] of acts) {
        const held = queue.reduce((sum, each) => sum + each.bytes, 0);
        expect(window.full).toBe(queue.length >= countMax || held >= 100);
        expect(window.count).toBe(queue.length);
        if (adds && !window.full) {
          last += step;
          window.add(last, bytes);
          queue.push({ index: last, bytes });
        } else if (!adds) {
          const upTo = last - step;
          window.freeUpTo(upTo);
          queue = queue.filter(({ index }) => index > upTo);
        }
      }
    }),
  );
});

test("limited entries are the longest prefix within the bound, but at least one", () => {
  const texts = fc.array(fc.string({ maxLength: 30 }), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(texts, fc.nat(200), (list, bytesMax) => {
      const entries = list.map((text, at) => entry(at + 1, 1, text));
      const size = (count: number) =>
        entries.slice(0, count).reduce((sum, { data }) => sum + data.length + 16, 0);
      const limited = limitBytes(entries, bytesMax);
      expect(limited).toEqual(entries.slice(0, limited.length));
      expect(limited.length === 1 || size(limited.length) <= bytesMax).toBe(true);
      const fits = limited.length < entries.length && size(limited.length + 1) <= bytesMax;
      expect(fits).toBe(false);
    }),
  );
});
