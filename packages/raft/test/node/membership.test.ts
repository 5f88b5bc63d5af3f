// Changes of the group, as an operator makes them.
import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import type { NodeStatus } from "../../src/node/index.ts";
import { command } from "./ledger.ts";
import { ELECTION_TIMEOUT_MS, TestGroup, type TestMember, watch } from "./test-group.ts";

function voters({ node }: TestMember): number[] {
  return [...(node.status() as NodeStatus).configuration.incoming].sort((a, b) => a - b);
}

async function begin(spares = 1): Promise<[TestGroup, TestMember]> {
  const [group, leader] = await TestGroup.lead({ spares });
  for (let at = 0; at < 5; at++) await group.commit(`before ${at}`);
  return [group, leader];
}

test("a learner gets the log without a vote, then one, and then its vote counts", async () => {
  const [group, leader] = await begin();
  const member = group.member(4);
  await group.settle(leader.node.addLearner(4, "n4"));
  expect(leader.node.status().configuration.learners).toEqual([4]);
  await group.boot(member);
  expect(await group.agree()).toHaveLength(5);
  expect(member.node.status().group.get(4)?.address).toBe("n4");
  await group.settle(leader.node.promote(4));
  await group.agree();
  for (const each of group.up) expect(voters(each)).toEqual([1, 2, 3, 4]);
  // Of four voters, two are not enough.
  const [one, other] = group.others(leader, member);
  if (!(one && other)) throw new Error("there are four");
  group.crash(one);
  await group.commit("three of four");
  group.crash(other);
  const call = watch(leader.node.propose(command("two of four"), { timeoutMs: 500 }));
  await group.run(3 * ELECTION_TIMEOUT_MS);
  expect(call.value).toBeUndefined();
});

test("a learner that lacks much of the log is not promoted, and the refusal says how much", async () => {
  const [group, leader] = await begin();
  await group.settle(leader.node.addLearner(4, "n4"));
  const lines = Array.from({ length: 150 }, (_, at) => `${at}`);
  await group.settle(Promise.all(lines.map((line) => leader.node.propose(command(line)))));
  const error = await group.refusal(leader.node.promote(4));
  expect(error).toMatchObject({ code: "CHANGE_REFUSED", outcome: "not-executed" });
  expect(error.message).toMatch(/learner 4 lacks 1\d\d entries, more than 100/);
  await group.boot(group.member(4));
  await group.agree();
  await group.settle(leader.node.promote(4));
  expect(voters(leader)).toEqual([1, 2, 3, 4]);
});

test("a removed follower stops with REMOVED, and the others go on", async () => {
  const [group, leader] = await begin();
  const [gone] = group.others(leader);
  if (gone === undefined) throw new Error("there are three");
  await group.settle(leader.node.remove(gone.id));
  await group.until("it has stopped", () => gone.failure !== undefined);
  expect(gone.failure).toMatchObject({ code: "REMOVED" });
  const rest = group.others(gone);
  await group.commit("two", rest);
  for (const each of rest) expect(voters(each)).not.toContain(gone.id);
});

test("a follower that was removed while it was away hears of it when it is back", async () => {
  const [group, leader] = await begin();
  const [gone] = group.others(leader);
  if (gone === undefined) throw new Error("there are three");
  group.cut(gone);
  await group.settle(leader.node.remove(gone.id));
  const { term } = leader.node.leadership;
  group.mend(gone);
  await group.until("it has stopped", () => gone.failure !== undefined);
  expect(gone.failure).toMatchObject({ code: "REMOVED" });
  const rest = group.others(gone);
  await group.commit("two", rest);
  expect(leader.node.leadership).toEqual({ term, leader: leader.id, isLeader: true });
});

test("a leader can remove itself: the change is made, and another leads", async () => {
  const [group, leader] = await begin();
  await group.settle(leader.node.remove(leader.id));
  const rest = group.others(leader);
  const next = await group.leader(rest);
  await group.commit("two", rest);
  expect(voters(next)).toEqual(rest.map(({ id }) => id));
  expect(leader.node.leadership.isLeader).toBe(false);
  const call = leader.node.propose(command("from outside"), { timeoutMs: 300 });
  expect((await group.refusal(call)).outcome).toBe("not-executed");
  expect((await group.settle(leader.node.closed))?.code).toBe("REMOVED");
});

test("an id is never used again, not even after all have restarted from snapshots", async () => {
  const [group, leader] = await begin();
  const [gone] = group.others(leader);
  if (gone === undefined) throw new Error("there are three");
  await group.settle(leader.node.remove(gone.id));
  const rest = group.others(gone);
  const again = () => group.leader(rest).then(({ node }) => node.addLearner(gone.id, gone.name));
  const refused = { code: "CHANGE_REFUSED", outcome: "not-executed" };
  expect(await group.refusal(again())).toMatchObject(refused);
  await group.agree(rest);
  for (const { node } of rest) await group.settle(node.snapshot());
  for (const member of rest) group.crash(member, "power");
  await group.bootAll(rest);
  const error = await group.refusal(again());
  expect(error).toMatchObject(refused);
  expect(error.message).toContain(`${gone.id} was removed`);
});

test("several changes at once go through a joint configuration, whose end is waited for", async () => {
  const [group, leader] = await begin(2);
  const [a, b] = group.others(leader);
  if (!(a && b)) throw new Error("there are three");
  const change = watch(
    leader.node.changeMembers([
      { type: "add-voter", id: 4, address: "n4" },
      { type: "add-voter", id: 5, address: "n5" },
      { type: "remove", id: a.id },
      { type: "remove", id: b.id },
    ]),
  );
  await group.until("it is joint", () => leader.node.status().configuration.outgoing.length === 3);
  expect(change.isSettled).toBe(false);
  const second = leader.node.addLearner(6, "n6");
  const error = await group.refusal(second);
  expect(error).toMatchObject({ code: "CHANGE_REFUSED", outcome: "not-executed" });
  await group.bootAll([group.member(4), group.member(5)]);
  await group.until("the change is made", () => change.isSettled);
  expect(change.error).toBeUndefined();
  const { configuration } = leader.node.status();
  expect(configuration.outgoing).toEqual([]);
  const members = [leader, group.member(4), group.member(5)];
  for (const gone of [a, b]) group.crash(gone);
  await group.commit("among the new", members);
  await group.agree(members);
  for (const member of members) expect(voters(member)).toEqual([leader.id, 4, 5].sort());
});

test("a new leader in the middle of a joint configuration brings it to its end", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const [group, leader] = await TestGroup.lead({ seed, members: 5 });
    await group.commit("before");
    const gone = group.others(leader).slice(0, 2);
    const changes = gone.map(({ id }) => ({ type: "remove", id }) as const);
    watch(leader.node.changeMembers(changes));
    await group.until(
      "it is joint",
      () => leader.node.status().configuration.outgoing.length === 5,
    );
    group.crash(leader, "power");
    const rest = group.others(leader, ...gone);
    await group.until("the change is made", () =>
      rest.every((member) => voters(member).length === 3 && !isJoint(member)),
    );
    await group.boot(leader);
    await group.commit("after", [...rest, leader]);
  }
});

function isJoint({ node }: TestMember): boolean {
  return node.status().configuration.outgoing.length > 0;
}

test("of two changes of one turn the second is refused: it would meet another group", async () => {
  const [group, leader] = await begin(2);
  const first = leader.node.addLearner(4, "n4");
  const second = leader.node.addLearner(5, "n5");
  const error = await group.refusal(second);
  expect(error).toMatchObject({ code: "CHANGE_REFUSED", outcome: "not-executed" });
  await group.settle(first);
  await group.settle(leader.node.addLearner(5, "n5"));
  expect(leader.node.status().configuration.learners).toEqual([4, 5]);
});

test("the last voter cannot be removed, and nobody stops because somebody tried", async () => {
  const [group, leader] = await TestGroup.lead({ members: 1 });
  const error = await group.refusal(leader.node.remove(1));
  expect(error).toMatchObject({ code: "CHANGE_REFUSED", outcome: "not-executed" });
  await group.commit("still here");
  const [three, first] = await begin();
  const all = [1, 2, 3].map((id) => ({ type: "remove", id }) as const);
  const refused = await three.refusal(first.node.changeMembers(all));
  expect(refused).toMatchObject({ code: "CHANGE_REFUSED", outcome: "not-executed" });
  await three.commit("still here");
});

test("who does not lead says who does, and where", async () => {
  const [group, leader] = await begin();
  const [follower] = group.others(leader);
  if (follower === undefined) throw new Error("there are three");
  const { node } = follower;
  const where = `member ${leader.id} at ${leader.name} does`;
  for (const call of [
    () => node.addLearner(4, "n4"),
    () => node.promote(4),
    () => node.remove(2),
    () => node.changeMembers([{ type: "remove", id: 2 }]),
    () => node.transferLeadership(),
  ]) {
    const error = await group.refusal(call());
    expect(error).toMatchObject({ code: "NOT_LEADER", outcome: "not-executed" });
    expect(error.message).toContain(where);
  }
});

test("changes that make no sense are refused with the reason", async () => {
  const [group, leader] = await begin();
  const { node } = leader;
  const refused = async (call: Promise<void>, text: string) => {
    const error = await group.refusal(call);
    expect(error.message).toContain(text);
  };
  await refused(node.changeMembers([]), "changes must not be empty");
  await refused(node.remove(9), "9 is not a member");
  await refused(node.promote(9), "9 is not a learner");
  await refused(node.promote(2), "2 is not a learner");
  await refused(node.changeMembers([{ type: "add-voter", id: 4 }]), "say its address");
  await refused(node.addLearner(0, "n0"), "id is 0");
  await refused(node.addLearner(4, ""), "the address of member 4");
});

test("leadership goes to the member that was named, or to whoever is up to date", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const [group, leader] = await TestGroup.lead({ seed });
    await group.commit("x");
    const [to] = group.others(leader);
    if (to === undefined) throw new Error("there are three");
    const fromUs = group.simulation.nowUs;
    await group.settle(leader.node.transferLeadership(to.id));
    // An election timeout is not waited for.
    expect(group.simulation.nowUs - fromUs).toBeLessThan(ELECTION_TIMEOUT_MS * 1_000);
    expect(await group.leader()).toBe(to);
    await group.commit("y");
    await group.settle(to.node.transferLeadership());
    expect(await group.leader()).not.toBe(to);
    await group.commit("z");
  }
});

test("leadership is not handed to who is no voter, and comes back from who does not answer", async () => {
  const [group, leader] = await begin();
  await group.settle(leader.node.addLearner(4, "n4"));
  for (const to of [4, 9, leader.id]) {
    const error = await group.refusal(leader.node.transferLeadership(to));
    expect(error).toMatchObject({ code: "CHANGE_REFUSED", outcome: "not-executed" });
  }
  const [away] = group.others(leader);
  if (away === undefined) throw new Error("there are three");
  group.crash(away);
  const { node } = leader;
  const transfer = node.transferLeadership(away.id, { timeoutMs: 2 * ELECTION_TIMEOUT_MS });
  // Proposals wait while it is tried, and are not lost.
  const call = node.propose(command("meanwhile"), { timeoutMs: 5_000 });
  expect(await group.refusal(transfer)).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
  await group.settle(call);
  expect(await group.leader(group.others(away))).toBe(leader);
});

test("an abort ends the waiting for a transfer in the turn", async () => {
  const [group, leader] = await begin();
  const [away] = group.others(leader);
  if (away === undefined) throw new Error("there are three");
  group.crash(away);
  const controller = new AbortController();
  const { signal } = controller;
  const call = watch(leader.node.transferLeadership(away.id, { signal, timeoutMs: 60_000 }));
  await group.run(1);
  controller.abort(new Error("enough"));
  await new Promise((resolve) => setImmediate(resolve));
  expect(call.error).toMatchObject({ message: "enough" });
  expect(getEventListeners(signal, "abort")).toEqual([]);
  const again = leader.node.transferLeadership(away.id, { signal });
  await expect(again).rejects.toThrow("enough");
});

test("an abort ends the waiting for a change in the turn; the change goes on", async () => {
  const [group, leader] = await begin(2);
  const [gone] = group.others(leader);
  if (gone === undefined) throw new Error("there are three");
  const controller = new AbortController();
  const changes = [
    { type: "add-voter", id: 4, address: "n4" },
    { type: "add-voter", id: 5, address: "n5" },
    { type: "remove", id: gone.id },
  ] as const;
  const call = watch(leader.node.changeMembers(changes, { signal: controller.signal }));
  await group.until("it is joint", () => isJoint(leader));
  await group.run(1);
  expect(call.isSettled).toBe(false);
  controller.abort(new Error("enough"));
  await new Promise((resolve) => setImmediate(resolve));
  expect(call.error).toMatchObject({ message: "enough" });
  expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  await group.bootAll([group.member(4), group.member(5)]);
  await group.until("the change is made", () => !isJoint(leader));
  expect(voters(leader)).not.toContain(gone.id);
});

test("a group that is slow learns of its disks once, and its log is not full of it", async () => {
  const group = await TestGroup.start({ disk: { syncUs: [100_000, 150_000] } });
  const leader = await group.leader(undefined, 20_000);
  await group.until("the disks are known", () =>
    [...leader.node.status().group.values()].every(({ diskId }) => diskId > 0),
  );
  // The snapshot that all began with, an empty entry for each term, and one for each disk; twice,
  // where the group took longer than an election timeout to agree.
  expect(leader.node.status().lastIndex).toBeLessThanOrEqual(1 + leader.node.leadership.term + 6);
});
