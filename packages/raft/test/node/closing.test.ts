// The end of a node: what is under way is finished, leadership is handed over, and nothing stays
// open.
import { expect, test } from "vitest";
import type { Leadership, RaftNodeOptions } from "../../src/node/index.ts";
import { Leaks } from "./leaks.ts";
import { command } from "./ledger.ts";
import { ELECTION_TIMEOUT_MS, TestGroup, watch } from "./test-group.ts";

test("who closes a leader gets answers to what was proposed, and the next leader at once", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const [group, leader] = await TestGroup.lead({ seed });
    await group.commit("before");
    const fromUs = group.simulation.nowUs;
    const calls = Array.from({ length: 20 }, (_, at) => leader.node.propose(command(`${at}`)));
    const read = leader.node.read();
    const closing = leader.node.close();
    await group.settle(Promise.all([...calls, read, closing]));
    const rest = group.others(leader);
    await group.leader(rest);
    // Nobody had to miss the old one for an election timeout.
    expect(group.simulation.nowUs - fromUs).toBeLessThan(ELECTION_TIMEOUT_MS * 1_000);
    await group.commit("after", rest);
    expect(await group.agree(rest)).toHaveLength(22);
  }
});

test("a closed node has no timer, no file and no network any more", async () => {
  const leaks = new Leaks();
  const [group] = await TestGroup.lead({ wrap: (options) => leaks.wrap(options) });
  for (let at = 0; at < 10; at++) await group.commit(`${at}`);
  expect(leaks.timers).toBeGreaterThan(0);
  expect(leaks.files).toBeGreaterThan(0);
  const members = group.up;
  await group.settle(Promise.all(members.map(({ node }) => node.close())));
  expect([leaks.timers, leaks.files]).toEqual([0, 0]);
  for (const { network, node } of members) {
    expect(network.isClosed).toBe(true);
    expect(await group.settle(node.closed)).toBeUndefined();
  }
  const { messages } = group.traffic;
  await group.run(10 * ELECTION_TIMEOUT_MS);
  expect(group.traffic.messages).toBe(messages);
});

test("closing twice is closing once, and nothing is taken meanwhile or afterwards", async () => {
  const [group, leader] = await TestGroup.lead();
  const { node } = leader;
  const closing = node.close();
  expect(node.close()).toBe(closing);
  const closed = { code: "CLOSED", outcome: "not-executed" };
  const calls = [
    () => node.propose(command("x")),
    () => node.read(),
    () => node.openSession(),
    () => node.snapshot(),
    () => node.addLearner(4, "n4"),
    () => node.transferLeadership(),
  ];
  for (const call of calls) await expect(call()).rejects.toMatchObject(closed);
  await group.settle(closing);
  expect(node.close()).toBe(closing);
  for (const call of calls) await expect(call()).rejects.toMatchObject(closed);
  expect(node.status().id).toBe(leader.id);
  expect(node.stats().proposalsWaiting).toBe(0);
});

test("a node that cannot finish what is under way closes all the same, and says what is unknown", async () => {
  const [group, leader] = await TestGroup.lead();
  group.cut(leader);
  const call = watch(leader.node.propose(command("x"), { timeoutMs: 60_000 }));
  const read = watch(leader.node.read({ timeoutMs: 60_000 }));
  await group.run(1);
  await group.settle(leader.node.close(), 6 * ELECTION_TIMEOUT_MS);
  expect(call.error).toMatchObject({ code: "CLOSED", outcome: "unknown" });
  expect(read.error).toMatchObject({ code: "CLOSED", outcome: "not-executed" });
});

test("a node that never had a leader closes, and what it was asked has not happened", async () => {
  const leaks = new Leaks();
  const group = await TestGroup.start({ wrap: (options) => leaks.wrap(options) });
  for (const other of [2, 3]) group.crash(group.member(other));
  const { node } = group.member(1);
  const call = watch(node.propose(command("x"), { timeoutMs: 60_000 }));
  await group.settle(node.close());
  expect(call.error).toMatchObject({ code: "CLOSED", outcome: "not-executed" });
});

test("a node that has ended leads nobody, and says so to whoever goes by it", async () => {
  for (const end of ["close", "failure"]) {
    const heard: Leadership[] = [];
    const wrap = (options: RaftNodeOptions) => ({
      ...options,
      onLeadership: (leadership: Leadership) => {
        options.onLeadership?.(leadership);
        if (leadership.isLeader || heard.length > 0) heard.push(leadership);
        if (heard.length > 1) throw new Error("who goes by it is broken");
      },
    });
    const [group, leader] = await TestGroup.lead({ members: 1, wrap });
    const call = watch(leader.node.propose(command("x")));
    if (end === "failure") group.simulation.node("n1").disk.failingSyncs = 1;
    else watch(leader.node.close());
    await group.until("it has ended", () => leader.node.status().hasEnded);
    expect(call.isSettled).toBe(true);
    const { term } = leader.node.leadership;
    expect(heard).toEqual([
      { term, leader: 1, isLeader: true },
      { term, leader: 0, isLeader: false },
    ]);
    expect(leader.node.leadership).toEqual({ term, leader: 0, isLeader: false });
    await group.settle(leader.node.closed);
  }
});

test("a node whose disk fails while it closes is closed", async () => {
  for (let us = 0; us < 10_000; us += 500) {
    const [group, leader] = await TestGroup.lead();
    await group.run(2 * ELECTION_TIMEOUT_MS);
    const call = watch(leader.node.propose(command("x")));
    const closing = leader.node.close();
    await group.run(us / 1_000);
    group.simulation.node(leader.name).disk.failingSyncs = 1;
    await group.settle(closing);
    expect(call.isSettled).toBe(true);
    const end = await group.settle(leader.node.closed);
    expect(end?.code).toBe(call.error === undefined ? end?.code : "FAILED");
  }
});

test("a node whose disk fails in a change of the group rejects it; nobody waits for ever", async () => {
  for (let us = 0; us < 20_000; us += 500) {
    const [group, leader] = await TestGroup.lead();
    await group.run(ELECTION_TIMEOUT_MS);
    const [to] = group.others(leader);
    if (to === undefined) throw new Error("there are three");
    const calls = [
      watch(leader.node.changeMembers([{ type: "remove", id: to.id }, addition])),
      watch(leader.node.transferLeadership(to.id)),
      watch(leader.node.propose(command("x"))),
    ];
    await group.run(us / 1_000);
    group.simulation.node(leader.name).disk.failingSyncs = 1;
    calls.push(watch(leader.node.close()));
    await group.run(8 * ELECTION_TIMEOUT_MS);
    expect(calls.map(({ isSettled }) => isSettled)).toEqual([true, true, true, true]);
  }
});

const addition = { type: "add-learner", id: 4, address: "n4" } as const;

test("a closed node starts again from its disk", async () => {
  const [group, leader] = await TestGroup.lead();
  await group.commit("before");
  await group.settle(leader.node.close());
  await group.boot(leader);
  await group.commit("after");
  expect(await group.agree()).toEqual(["before", "after"]);
});
