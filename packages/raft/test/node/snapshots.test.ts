// Snapshots: when they are made, what goes with them, and who begins with them.
import { expect, test } from "vitest";
import { ELECTION_TIMEOUT_MS, TestGroup } from "./test-group.ts";

test("a snapshot is made on demand, and the log before it is let go, on disk and in memory", async () => {
  const [group, leader] = await TestGroup.lead({ options: { catchUpEntries: 3 } });
  const line = "x".repeat(1_000);
  for (let at = 0; at < 30; at++) await group.commit(`${at} ${line}`);
  await group.agree();
  const { applied } = leader.node.status();
  expect(leader.node.stats().wal.segments).toBeGreaterThan(2);
  const [one, other] = [leader.node.snapshot(), leader.node.snapshot()];
  expect(await group.settle(Promise.all([one, other]))).toEqual([applied, applied]);
  expect(leader.node.stats().snapshotsMade).toBe(1);
  expect(leader.node.status()).toMatchObject({
    snapshotIndex: applied,
    firstIndex: applied - 2,
    snapshotBytes: expect.any(Number),
  });
  expect(leader.node.stats().wal.segments).toBeLessThanOrEqual(2);
  // There is nothing new to be in another one.
  expect(await group.settle(leader.node.snapshot())).toBe(applied);
  expect(leader.node.stats().snapshotsMade).toBe(1);
});

test("snapshots are made after so many bytes as well", async () => {
  const [group, leader] = await TestGroup.lead({ options: { snapshotBytes: 10_000 } });
  const line = "x".repeat(1_000);
  for (let at = 0; at < 30; at++) await group.commit(`${at} ${line}`);
  await group.agree();
  expect(leader.node.stats().snapshotsMade).toBeGreaterThanOrEqual(2);
});

test("a follower that lags less than catchUpEntries gets entries, and no snapshot", async () => {
  const options = { snapshotEntries: 10, catchUpEntries: 40 };
  const [group, leader] = await TestGroup.lead({ options });
  const [away] = group.others(leader);
  if (away === undefined) throw new Error("there are three");
  await group.agree();
  group.cut(away);
  for (let at = 0; at < 25; at++) await group.commit(`${at}`, group.others(away));
  group.mend(away);
  expect(await group.agree()).toHaveLength(25);
  expect(away.ledger.restored).toBe(1);
  expect(away.node.stats().snapshotsInstalled).toBe(0);
});

test("a member that joins gets a snapshot that has it in the group, made for it if need be", async () => {
  const [group, leader] = await TestGroup.lead({ spares: 1 });
  for (let at = 0; at < 10; at++) await group.commit(`${at}`);
  await group.settle(leader.node.snapshot());
  const { snapshotIndex } = leader.node.status();
  await group.settle(leader.node.addLearner(4, "n4"));
  await group.boot(group.member(4));
  expect(await group.agree()).toHaveLength(10);
  expect(leader.node.status().snapshotIndex).toBeGreaterThan(snapshotIndex);
  const { node } = group.member(4);
  expect(node.stats().snapshotsInstalled).toBe(1);
  expect([...node.status().group.keys()].sort()).toEqual([1, 2, 3, 4]);
});

test("a member that crashes after a snapshot has the log behind it, and applies it once", async () => {
  for (const how of ["kill", "power"] as const) {
    const [group, leader] = await TestGroup.lead();
    for (let at = 0; at < 10; at++) await group.commit(`${at}`);
    await group.agree();
    for (const { node } of group.up) await group.settle(node.snapshot());
    for (let at = 10; at < 30; at++) await group.commit(`${at}`);
    await group.agree();
    const [one] = group.others(leader);
    if (one === undefined) throw new Error("there are three");
    group.crash(one, how);
    await group.boot(one);
    expect(one.ledger.restored).toBe(1);
    expect(await group.agree()).toEqual(Array.from({ length: 30 }, (_, at) => `${at}`));
  }
});

test("a snapshot that finds no space is made later, and the node goes on", async () => {
  const [group, leader] = await TestGroup.lead();
  for (let at = 0; at < 10; at++) await group.commit(`${at}`);
  await group.agree();
  const { disk } = group.simulation.node(leader.name);
  disk.full = true;
  const { snapshotIndex } = leader.node.status();
  expect(await group.settle(leader.node.snapshot())).toBe(snapshotIndex);
  disk.full = false;
  const { applied } = leader.node.status();
  expect(await group.settle(leader.node.snapshot())).toBe(applied);
  await group.commit("after");
  expect(await group.agree()).toHaveLength(11);
});

test("snapshots and entries of a busy group, with restarts at any time, lose nothing", async () => {
  const options = { snapshotEntries: 3, catchUpEntries: 1 };
  for (let seed = 0; seed < 20; seed++) {
    const [group] = await TestGroup.lead({ seed, options });
    const { random } = group.member(1).world;
    for (let at = 0; at < 20; at++) {
      await group.commit(`${at}`);
      await group.run(random.below(10));
      if (random.below(4) > 0) continue;
      const one = group.member(1 + random.below(3));
      group.crash(one, random.below(2) === 0 ? "kill" : "power");
      await group.run(random.below(2 * ELECTION_TIMEOUT_MS));
      await group.boot(one);
    }
    expect(await group.agree()).toEqual(Array.from({ length: 20 }, (_, at) => `${at}`));
  }
});
