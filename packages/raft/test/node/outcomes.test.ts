// What a node says when it cannot do what it was asked, and whether that may have happened.
import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import {
  type Answer,
  RaftNode,
  RaftNodeError,
  type RaftNodeOptions,
} from "../../src/node/index.ts";
import { Proposals } from "../../src/node/proposals.ts";
import { command } from "./ledger.ts";
import { type Call, ELECTION_TIMEOUT_MS, TestGroup, watch } from "./test-group.ts";

test("a proposal whose place another leader's entry took is SUPERSEDED, and never happens", async () => {
  const [group, first] = await TestGroup.lead();
  group.cut(first);
  const call = watch(first.node.propose(command("lost"), { timeoutMs: 60_000 }));
  await group.run(1);
  const rest = group.others(first);
  await group.commit("kept", rest);
  group.mend(first);
  await group.until("it is answered", () => call.isSettled);
  expect(call.error).toMatchObject({ code: "SUPERSEDED", outcome: "not-executed" });
  expect(first.node.stats().superseded).toBe(1);
  await group.commit("end");
  expect(await group.agree()).toEqual(["kept", "end"]);
});

test("a proposal that no leader took in time is NO_LEADER, and never happens", async () => {
  const group = await TestGroup.start();
  const { node } = group.member(1);
  for (const other of group.others(group.member(1))) group.crash(other);
  const error = await group.refusal(node.propose(command("lost")));
  expect(error).toMatchObject({ code: "NO_LEADER", outcome: "not-executed" });
  await group.bootAll([group.member(2), group.member(3)]);
  await group.commit("end");
  expect(await group.agree()).toEqual(["end"]);
});

test("a proposal that was handed over and has no answer in time is TIMEOUT: it may happen yet", async () => {
  const [group, leader] = await TestGroup.lead();
  group.cut(leader);
  const late = leader.node.propose(command("late"), { timeoutMs: 50 });
  expect(await group.refusal(late)).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
  // The leader has not given up yet, and its followers have not either.
  group.mend(leader);
  await group.commit("end");
  expect(await group.agree()).toEqual(["late", "end"]);
});

test("a proposal that was forwarded and lost on the way is TIMEOUT: nobody can know", async () => {
  const [group, leader] = await TestGroup.lead();
  const [follower] = group.others(leader);
  if (follower === undefined) throw new Error("there are three");
  group.traffic.isLost = ({ type }) => type === "propose";
  const lost = follower.node.propose(command("lost"), { timeoutMs: 200 });
  expect(await group.refusal(lost)).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
  group.traffic.isLost = () => false;
  const { index } = await group.settle(follower.node.propose(command("found")));
  expect(index).toBeGreaterThan(0);
  expect(await group.agree()).toEqual(["found"]);
});

test("two proposals that had one place, in two terms of a leader, each get their own answer", async () => {
  const proposals = new Proposals({ proposalsMax: 10, proposalBytesMax: 100 });
  const add = (deadlineMs: number) => {
    const encode = () => new Uint8Array(1);
    return watch(proposals.add({ type: "normal", deadlineMs, signal: undefined, encode }));
  };
  const first = add(100);
  proposals.proposed(proposals.takeQueued(), 5);
  // Another leader cut the log off, and then this node led again.
  const second = add(1_000);
  proposals.proposed(proposals.takeQueued(), 5);
  proposals.expire(100);
  const error = new RaftNodeError("SUPERSEDED", "", "not-executed");
  proposals.passed(5, () => error);
  await Promise.resolve();
  expect(first.error).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
  expect(second.error).toBe(error);
});

test("proposals above proposalsMax are BUSY, and there is room again once one is answered", async () => {
  const [group, leader] = await TestGroup.lead({ options: { proposalsMax: 3 } });
  const calls = ["a", "b", "c"].map((line) => leader.node.propose(command(line)));
  const error = await group.refusal(leader.node.propose(command("too many")));
  expect(error).toMatchObject({ code: "BUSY", outcome: "not-executed" });
  expect(error.message).toContain("3 proposals");
  await group.settle(Promise.all(calls));
  await group.settle(leader.node.propose(command("d")));
  expect(await group.agree()).toEqual(["a", "b", "c", "d"]);
  expect(leader.node.stats().proposalsWaiting).toBe(0);
});

test("proposals above proposalBytesMax are BUSY as well", async () => {
  const [group, leader] = await TestGroup.lead({ options: { proposalBytesMax: 1_000 } });
  const call = leader.node.propose(new Uint8Array(1_000).fill(97));
  const error = await group.refusal(leader.node.propose(command("too many")));
  expect(error).toMatchObject({ code: "BUSY", outcome: "not-executed" });
  await group.settle(call);
  await group.settle(leader.node.propose(command("b")));
});

test("a group that cannot commit holds what waits within its bounds, and recovers", async () => {
  const options = { proposalsMax: 50, timeoutMs: 60_000 };
  const [group, leader] = await TestGroup.lead({ options });
  group.cut(leader);
  const calls: Call<Answer>[] = [];
  for (let at = 0; at < 500; at++) {
    calls.push(watch(leader.node.propose(command(`${at}`))));
    await group.run(2);
  }
  expect(leader.node.stats().proposalsWaiting).toBeLessThanOrEqual(50);
  const isBusy = ({ error }: { error: unknown }) => (error as { code?: string })?.code === "BUSY";
  expect(calls.filter(isBusy)).toHaveLength(450);
  group.mend(leader);
  // They are superseded one by one, as others come to where they were.
  for (let at = 0; at < 80; at++) await group.commit(`kept ${at}`);
  await group.until("all are answered", () => calls.every(({ isSettled }) => isSettled));
  expect(calls.some(({ value }) => value !== undefined)).toBe(false);
  expect(await group.agree()).toHaveLength(80);
});

test.each(["propose", "read"] as const)("an abort of a %s settles it in the turn", async (verb) => {
  const group = await TestGroup.start();
  const { node } = group.member(1);
  const go = (signal: AbortSignal): Promise<unknown> =>
    verb === "read" ? node.read({ signal }) : node.propose(command("x"), { signal });
  // A reason may be anything, also what looks like an answer.
  for (const reason of [new Error("enough"), "enough", 7, { index: 7 }, null]) {
    const controller = new AbortController();
    const call = watch(go(controller.signal));
    await Promise.resolve();
    expect(call.isSettled).toBe(false);
    controller.abort(reason);
    await new Promise((resolve) => setImmediate(resolve));
    expect(call).toEqual({ isSettled: true, value: undefined, error: reason });
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    await expect(go(controller.signal)).rejects.toBe(reason);
  }
  const { proposalsWaiting, readsWaiting } = node.stats();
  expect([proposalsWaiting, readsWaiting]).toEqual([0, 0]);
});

test("an abort after hand-over ends the waiting, not the command", async () => {
  const [group, leader] = await TestGroup.lead();
  const controller = new AbortController();
  const call = watch(leader.node.propose(command("goes on"), { signal: controller.signal }));
  await group.run(0);
  controller.abort(new Error("enough"));
  await group.run(0);
  expect(call.error).toMatchObject({ message: "enough" });
  await group.run(ELECTION_TIMEOUT_MS);
  expect(await group.agree()).toEqual(["goes on"]);
});

test("a signal is let go of once there is an answer", async () => {
  const [group, leader] = await TestGroup.lead();
  const { signal } = new AbortController();
  await group.settle(leader.node.propose(command("x"), { signal }));
  await group.settle(leader.node.read({ signal }));
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("a command that is too large is refused with its size, and nothing is proposed", async () => {
  const [group, leader] = await TestGroup.lead({ options: { commandBytesMax: 100 } });
  const call = leader.node.propose(new Uint8Array(101));
  await expect(call).rejects.toThrow(new RangeError("a command of 101 bytes; at most 100"));
  await group.settle(leader.node.propose(new Uint8Array(100).fill(97)));
});

test.each([0, -1, Number.NaN])("timeoutMs of %d is refused by name", async (timeoutMs) => {
  const group = await TestGroup.start();
  const { node } = group.member(1);
  for (const call of [node.propose(command("x"), { timeoutMs }), node.read({ timeoutMs })]) {
    await expect(call).rejects.toThrow(`timeoutMs is ${timeoutMs}`);
  }
  expect(node.stats()).toMatchObject({ proposalsWaiting: 0, readsWaiting: 0 });
});

test.each<[Partial<RaftNodeOptions>, string]>([
  [{ id: 0 }, "id is 0"],
  [{ id: 1.5 }, "id is 1.5"],
  [{ folder: "../up" }, "folder must be"],
  [{ bootstrap: new Map([[2, "n2"]]) }, "bootstrap must name this member, 1; it names 2"],
  [{ bootstrap: new Map([[1, ""]]) }, "the address of member 1"],
  [{ electionTimeoutMs: 0 }, "electionTimeoutMs is 0"],
  [{ heartbeatMs: 0 }, "heartbeatMs is 0"],
  [{ electionTimeoutMs: 100, heartbeatMs: 51 }, "it must be at least twice heartbeatMs, 51"],
  [{ timeoutMs: Number.NaN }, "timeoutMs is NaN"],
  [{ proposalsMax: 0 }, "proposalsMax is 0"],
  [{ proposalBytesMax: -1 }, "proposalBytesMax is -1"],
  [{ commandBytesMax: 2 ** 23 + 1 }, "commandBytesMax is 8388609"],
  [{ sessionsMax: 0 }, "sessionsMax is 0"],
  [{ snapshotEntries: 0 }, "snapshotEntries is 0"],
  [{ snapshotBytes: 0 }, "snapshotBytes is 0"],
  [{ catchUpEntries: -1 }, "catchUpEntries is -1"],
  [{ inflightMessagesMax: 0 }, "inflightMessagesMax is 0"],
  [{ inflightBytesMax: 0 }, "inflightBytesMax is 0"],
  [{ appendBytesMax: 0 }, "appendBytesMax is 0"],
  [{ segmentBytes: 100 }, "segmentBytes"],
])("refuses the options %j by name", async (given, message) => {
  const group = await TestGroup.start({ members: 1 });
  const { world, ledger, network } = group.member(1);
  const { files } = world;
  const base = { id: 1, machine: ledger, files, folder: "other", network };
  const bootstrap = new Map([[1, "n1"]]);
  const opening = RaftNode.open({ ...base, bootstrap, ...given });
  const error = await group.refusal(opening);
  expect(error).toBeInstanceOf(RangeError);
  expect(error.message).toContain(message);
});
