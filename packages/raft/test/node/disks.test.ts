// Disks that are full, slow, broken or lost, and applications that fail.
import { expect, test } from "vitest";
import { RaftNodeError } from "../../src/node/index.ts";
import { Leaks } from "./leaks.ts";
import { command, type Ledger } from "./ledger.ts";
import { ELECTION_TIMEOUT_MS, TestGroup, type TestMember, watch } from "./test-group.ts";

function diskOf(group: TestGroup, { name }: TestMember) {
  return group.simulation.node(name).disk;
}

test("a leader whose disk is full steps down, tries again ever more seldom, and recovers", async () => {
  const [group, leader] = await TestGroup.lead();
  await group.commit("before");
  diskOf(group, leader).full = true;
  // The segments that there are have room for a while.
  const rest = group.others(leader);
  const line = "x".repeat(2_000);
  for (let at = 0; at < 20; at++) {
    watch(leader.node.propose(command(`${at} ${line}`), { timeoutMs: 300 }));
    await group.run(20);
  }
  await group.until("it has stepped down", () => leader.node.status().isStalled);
  expect(leader.node.leadership.isLeader).toBe(false);
  expect(leader.node.stats().stalls).toBeGreaterThan(0);
  await group.commit("meanwhile", rest);
  const retries = leader.node.stats().writeRetries;
  expect(retries).toBeGreaterThan(0);
  await group.run(10_000);
  // 50 ms, 100 ms, … 5 s: not once a tick.
  expect(leader.node.stats().writeRetries - retries).toBeLessThan(10);
  expect(leader.failure).toBeUndefined();
  diskOf(group, leader).full = false;
  await group.agree();
  await group.until("it takes part again", () => !leader.node.status().isStalled);
  await group.commit("after");
  expect((await group.agree()).slice(-2)).toEqual(["meanwhile", "after"]);
  // What it wrote between the refusals is whole.
  group.crash(leader, "power");
  await group.boot(leader);
  await group.agree();
});

test("a group whose disks are all full waits, and nothing that was acknowledged is lost", async () => {
  const [group] = await TestGroup.lead();
  const acknowledged: string[] = [];
  for (const member of group.up) diskOf(group, member).full = true;
  const line = "x".repeat(2_000);
  for (let at = 0; at < 30; at++) {
    const { node } = group.member(1 + (at % 3));
    const call = watch(node.propose(command(`${at} ${line}`), { timeoutMs: 300 }));
    await group.run(50);
    if (call.value !== undefined) acknowledged.push(`${at} ${line}`);
  }
  expect(group.hasLeader(group.up)).toBe(false);
  for (const member of group.up) diskOf(group, member).full = false;
  await group.commit("end", undefined);
  const texts = await group.agree();
  for (const each of acknowledged) expect(texts).toContain(each);
});

test("a leader whose disk hangs steps down after an election timeout, and another leads", async () => {
  const [group, leader] = await TestGroup.lead();
  await group.commit("before");
  diskOf(group, leader).slowness = 10_000;
  const call = watch(leader.node.propose(command("hangs"), { timeoutMs: 10_000 }));
  const rest = group.others(leader);
  await group.until("it has stepped down", () => leader.node.status().isStalled);
  expect(leader.node.leadership.isLeader).toBe(false);
  await group.leader(rest);
  await group.commit("meanwhile", rest);
  diskOf(group, leader).slowness = 1;
  await group.until("it has heard the end of it", () => call.isSettled, 60_000);
  expect(await group.agree(undefined, 60_000)).toContain("meanwhile");
  await group.until("it takes part again", () => !leader.node.status().isStalled);
});

test("a slow disk of a follower costs nobody else anything", async () => {
  const [group, leader] = await TestGroup.lead();
  const [slow] = group.others(leader);
  if (slow === undefined) throw new Error("there are three");
  diskOf(group, slow).slowness = 1_000;
  const fromUs = group.simulation.nowUs;
  for (let at = 0; at < 20; at++) await group.settle(leader.node.propose(command(`${at}`)));
  expect(group.simulation.nowUs - fromUs).toBeLessThan(20 * 10_000);
  diskOf(group, slow).slowness = 1;
  expect(await group.agree(undefined, 60_000)).toHaveLength(20);
});

test("a node whose sync failed stops with FAILED and the cause; it is not tried again", async () => {
  const leaks = new Leaks();
  const [group, leader] = await TestGroup.lead({ wrap: (options) => leaks.wrap(options) });
  await group.commit("before");
  diskOf(group, leader).failingSyncs = 1;
  const call = watch(leader.node.propose(command("unknown")));
  await group.until("it has stopped", () => leader.failure !== undefined);
  expect(leader.failure).toMatchObject({
    code: "FAILED",
    cause: { code: "WAL_FAILED", cause: expect.anything() },
  });
  expect(call.error).toMatchObject({ code: "FAILED", outcome: "unknown" });
  const refused = { code: "FAILED", outcome: "not-executed", cause: { code: "WAL_FAILED" } };
  await expect(leader.node.propose(command("x"))).rejects.toMatchObject(refused);
  await expect(leader.node.read()).rejects.toMatchObject(refused);
  expect(leader.network.isClosed).toBe(true);
  await group.settle(leader.node.close());

  const rest = group.others(leader);
  await group.commit("meanwhile", rest);
  await group.boot(leader);
  await group.commit("after");
  const texts = (await group.agree()).filter((line) => line !== "unknown");
  expect(texts).toEqual(["before", "meanwhile", "after"]);
  await group.settle(Promise.all(group.up.map(({ node }) => node.close())));
  expect([leaks.timers, leaks.files]).toEqual([0, 0]);
});

test("who has lost the disk is turned away as WRONG_DISK, and the group goes on without", async () => {
  for (const role of ["leader", "follower"]) {
    const [group, leader] = await TestGroup.lead({ spares: 1 });
    await group.commit("before");
    await group.agree();
    await group.until("the disks are known", () =>
      [...leader.node.status().group.values()].every(({ diskId }) => diskId > 0),
    );
    const lost = role === "leader" ? leader : group.others(leader)[0];
    if (lost === undefined) throw new Error("there are three");
    group.crash(lost, "diskLost");
    const rest = group.others(lost);
    await group.commit("meanwhile", rest);
    // A network asks who is there before it delivers anything.
    group.traffic.isLost = ({ to }) => to === lost.id;
    await group.boot(lost);
    await group.until("it is turned away", () => lost.failure !== undefined);
    expect(lost.failure).toMatchObject({ code: "WRONG_DISK" });
    group.crash(lost);
    group.traffic.isLost = () => false;
    await group.commit("after", rest);
    // It comes back as somebody new.
    const { node } = await group.leader(rest);
    await group.settle(node.addLearner(4, "n4"));
    await group.settle(node.remove(lost.id));
    await group.boot(group.member(4));
    await group.agree();
    await group.settle((await group.leader()).node.promote(4));
    expect(await group.agree()).toEqual(["before", "meanwhile", "after"]);
  }
});

test("the disk of another member is refused by name", async () => {
  const group = await TestGroup.start({ members: 1, spares: 1 });
  const { world, ledger, network } = group.member(1);
  await group.settle(group.member(1).node.close());
  const { RaftNode } = await import("../../src/node/index.ts");
  const options = { machine: ledger, network, files: world.files, clock: world.clock };
  const opening = RaftNode.open({ ...options, id: 2, folder: "raft", random: world.random });
  const error = await group.refusal(opening);
  expect(error).toBeInstanceOf(RaftNodeError);
  expect(error).toMatchObject({ code: "WRONG_DISK", outcome: "not-executed" });
  expect(error.message).toBe('"raft" is the disk of member 1, not of member 2');
});

test("a log without an identity, or with one that says nothing, is refused", async () => {
  for (const damage of ["missing", "empty", "scrawl"]) {
    const group = await TestGroup.start({ members: 1 });
    const member = group.member(1);
    await group.settle(member.node.close());
    const { files } = member.world;
    await group.settle(files.remove("raft/identity"));
    if (damage !== "missing") {
      const file = await group.settle(files.open("raft/identity", { create: "always" }));
      if (damage === "scrawl") await group.settle(file.write(command("scrawl"), 0));
      await group.settle(file.close());
    }
    await group.boot(member);
    expect(member.refusal).toMatchObject({ code: "WRONG_DISK", outcome: "not-executed" });
  }
});

test("a member whose identity was being written when the power went begins anew", async () => {
  // Every effect of the first start, before there is anything to lose.
  for (let effect = 0; effect < 20; effect++) {
    const group = await TestGroup.start({ members: 3, spares: 1 });
    const leader = await group.leader();
    await group.settle(leader.node.addLearner(4, "n4"));
    const member = group.member(4);
    const base = group.simulation.node("n4").effects;
    const crash = { node: "n4", how: "power", downUs: 1, moment: "during" } as const;
    member.isUp = true;
    group.simulation.crash("n4", "kill", Number.POSITIVE_INFINITY);
    const node = group.simulation.node("n4");
    node.crashAtEffect({ ...crash, kind: "crashAtEffect", effect: base + effect });
    node.boot();
    await group.until("it is open", () => member.node !== undefined);
    await group.until("it has all", () => member.node.status().applied >= 3);
    expect(member.refusal).toBeUndefined();
  }
});

test("an application that throws stops the node with FAILED, and nothing is half done", async () => {
  const poison = (ledger: Ledger) => ({
    apply: (bytes: Uint8Array, index: number) => {
      if (bytes[0] === 33) throw new Error("the application is broken");
      return ledger.apply(bytes, index);
    },
    snapshot: () => ledger.snapshot(),
    restore: (bytes: Uint8Array) => ledger.restore(bytes),
  });
  const leaks = new Leaks();
  const wrap = leaks.wrap.bind(leaks);
  const [group, leader] = await TestGroup.lead({ machine: poison, wrap });
  await group.commit("before");
  const calls = ["a", "!", "b"].map((line) => watch(leader.node.propose(command(line))));
  await group.until("all have stopped", () => group.up.every(({ failure }) => failure));
  for (const { failure, node, ledger } of group.up) {
    expect(failure).toMatchObject({
      code: "FAILED",
      cause: { message: "the application is broken" },
    });
    // What came before it is done, what comes after it is not.
    expect(ledger.texts).toEqual(["before", "a"]);
    await group.settle(node.close());
    await expect(node.snapshot()).rejects.toMatchObject({ code: "FAILED" });
  }
  expect(calls[0]?.value).toBeDefined();
  for (const call of calls.slice(1)) {
    expect(call.error).toMatchObject({ code: "FAILED", outcome: "unknown" });
  }
  expect([leaks.timers, leaks.files]).toEqual([0, 0]);
});

test("an application that cannot take a snapshot back stops the node, which can be started again", async () => {
  let isBroken = false;
  const fragile = (ledger: Ledger) => ({
    apply: (bytes: Uint8Array, index: number) => ledger.apply(bytes, index),
    snapshot: () => ledger.snapshot(),
    restore: (bytes: Uint8Array) => {
      if (isBroken) throw new Error("this is no snapshot");
      ledger.restore(bytes);
    },
  });
  const options = { snapshotEntries: 5, catchUpEntries: 0 };
  const [group, leader] = await TestGroup.lead({ machine: fragile, options });
  const [away] = group.others(leader);
  if (away === undefined) throw new Error("there are three");
  await group.agree();
  group.cut(away);
  for (let at = 0; at < 20; at++) await group.commit(`${at}`, group.others(away));
  isBroken = true;
  group.mend(away);
  await group.until("it has stopped", () => away.failure !== undefined);
  expect(away.failure).toMatchObject({ code: "FAILED", cause: { message: "this is no snapshot" } });
  expect(away.ledger.texts).toEqual([]);
  await group.boot(away);
  expect(away.refusal).toMatchObject({ message: "this is no snapshot" });
  isBroken = false;
  await group.boot(away);
  expect(await group.agree()).toHaveLength(20);
  await group.run(ELECTION_TIMEOUT_MS);
});
