// Linearizable reads: as new as anything that was answered before they were asked, or no answer.
import { expect, test } from "vitest";
import { command } from "./ledger.ts";
import { ELECTION_TIMEOUT_MS, TestGroup, watch } from "./test-group.ts";

test("whoever reads sees all that was answered before, at every member", async () => {
  const [group, leader] = await TestGroup.lead();
  for (let at = 0; at < 10; at++) {
    const { index } = await group.settle(leader.node.propose(command(`${at}`)));
    for (const { node, ledger } of group.up) {
      expect(await group.settle(node.read())).toBeGreaterThanOrEqual(index);
      expect(ledger.texts).toContain(`${at}`);
    }
  }
});

test("a leader that was cut off does not answer, and what it would have said is old", async () => {
  const [group, old] = await TestGroup.lead();
  await group.commit("before");
  await group.agree();
  group.cut(old);
  const first = watch(old.node.read({ timeoutMs: 60_000 }));
  await group.commit("after", group.others(old));
  const second = watch(old.node.read({ timeoutMs: ELECTION_TIMEOUT_MS }));
  await group.run(4 * ELECTION_TIMEOUT_MS);
  expect(old.ledger.texts).toEqual(["before"]);
  expect(first.isSettled).toBe(false);
  expect(second.error).toMatchObject({ code: "NO_LEADER", outcome: "not-executed" });
  // The one that waits still is answered by the new leader.
  group.mend(old);
  await group.until("the first is answered", () => first.isSettled);
  expect(first.value).toBeGreaterThan(0);
  expect(old.ledger.texts).toEqual(["before", "after"]);
});

test("many reads of one turn cost one round", async () => {
  const [group, leader] = await TestGroup.lead();
  await group.run(ELECTION_TIMEOUT_MS);
  const rounds = leader.node.stats().readRounds;
  const heartbeats = group.traffic.of("heartbeat");
  const reads = Array.from({ length: 1_000 }, () => leader.node.read());
  const indexes = await group.settle(Promise.all(reads));
  expect(new Set(indexes).size).toBe(1);
  expect(leader.node.stats().readRounds - rounds).toBe(1);
  // One to each follower, and those that came due anyway.
  expect(group.traffic.of("heartbeat") - heartbeats).toBeLessThanOrEqual(4);
});

test("who comes while a round is under way waits for the next one", async () => {
  const [group, leader] = await TestGroup.lead();
  await group.run(ELECTION_TIMEOUT_MS);
  const { readRounds } = leader.node.stats();
  const first = leader.node.read();
  await group.run(0);
  const others = [leader.node.read(), leader.node.read()];
  await group.settle(Promise.all([first, ...others]));
  expect(leader.node.stats().readRounds - readRounds).toBe(2);
});

test("a read whose question was lost is asked again", async () => {
  const [group, leader] = await TestGroup.lead();
  const [follower] = group.others(leader);
  if (follower === undefined) throw new Error("there are three");
  group.traffic.isLost = ({ type }) => type === "read-index";
  const call = watch(follower.node.read({ timeoutMs: 60_000 }));
  await group.run(2 * ELECTION_TIMEOUT_MS);
  expect(call.isSettled).toBe(false);
  group.traffic.isLost = () => false;
  await group.until("it is answered", () => call.isSettled);
  expect(call.value).toBeGreaterThan(0);
});

test("a read that is under way when the leader dies is answered by the next", async () => {
  const [group, leader] = await TestGroup.lead();
  await group.commit("x");
  const calls = group.others(leader).map(({ node }) => watch(node.read({ timeoutMs: 60_000 })));
  group.crash(leader);
  await group.until("all are answered", () => calls.every(({ isSettled }) => isSettled));
  for (const { value } of calls) expect(value).toBeGreaterThan(0);
});

test("reads that wait are bounded: more are BUSY", async () => {
  const group = await TestGroup.start({ options: { proposalsMax: 3, timeoutMs: 100 } });
  const { node } = group.member(1);
  group.cut(group.member(1));
  const calls = [1, 2, 3].map(() => watch(node.read()));
  expect(await group.refusal(node.read())).toMatchObject({ code: "BUSY", outcome: "not-executed" });
  expect(node.stats().readsWaiting).toBe(3);
  await group.until("their time is over", () => calls.every(({ isSettled }) => isSettled));
  for (const { error } of calls) expect(error).toMatchObject({ code: "NO_LEADER" });
  const last = watch(node.read());
  await group.run(0);
  expect(last.isSettled).toBe(false);
});

test("reads and writes of many members, with partitions, see nothing older than what was answered", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const [group] = await TestGroup.lead({ seed, members: 5 });
    const { random } = group.member(1).world;
    let answered = 0;
    for (let round = 0; round < 20; round++) {
      const cut = group.member(1 + random.below(5));
      group.cut(cut);
      const writes = group.up.map(({ node }) =>
        watch(node.propose(command(`${round}`), { timeoutMs: 500 })),
      );
      await group.run(random.below(2 * ELECTION_TIMEOUT_MS));
      for (const { value } of writes) answered = Math.max(answered, value?.index ?? 0);
      const asked = answered;
      const reads = group.up.map(({ node }) => watch(node.read({ timeoutMs: 300 })));
      await group.run(ELECTION_TIMEOUT_MS);
      for (const { value } of reads) {
        if (value !== undefined) expect(value).toBeGreaterThanOrEqual(asked);
      }
      group.mend(cut);
    }
  }
});
