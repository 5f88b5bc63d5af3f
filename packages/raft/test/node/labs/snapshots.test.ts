// The scenarios of MIT 6.5840, lab 3D (log compaction), told again in virtual time.
import { expect, test } from "vitest";
import { ELECTION_TIMEOUT_MS, TestGroup } from "../test-group.ts";

const UNRELIABLE = { lossPer1000: 100, duplicatesPer1000: 20, stragglersPer1000: 100 };
// Every ten entries, and the log in memory goes with it: whoever was away needs the snapshot.
const OPTIONS = { snapshotEntries: 10, catchUpEntries: 0 };

test("SnapshotBasic: snapshots are made as entries come, and logs stay short", async () => {
  const [group, leader] = await TestGroup.lead({ options: OPTIONS });
  for (let at = 0; at < 60; at++) await group.commit(`line ${at}`);
  expect(await group.agree()).toHaveLength(60);
  for (const { node } of group.up) {
    expect(node.stats().snapshotsMade).toBeGreaterThanOrEqual(4);
    const { firstIndex, lastIndex } = node.status();
    expect(lastIndex - firstIndex).toBeLessThan(30);
    expect(node.stats().wal.segments).toBeLessThanOrEqual(3);
  }
  // In all of it nobody fell so far behind as to be sent one.
  expect(group.traffic.of("snapshot")).toBe(0);
  expect(await group.leader()).toBe(leader);
});

type Trouble = "cut" | "crash";

// One member is away while the others go on past a snapshot; then, often, the leader is another.
async function install(seed: number, trouble: Trouble, network: object): Promise<void> {
  const [group] = await TestGroup.lead({ seed, options: OPTIONS, network });
  const expected: string[] = [];
  for (let round = 0; round < 8; round++) {
    const leader = await group.leader(undefined, 20_000);
    const away = round % 3 === 1 ? leader : group.others(leader)[0];
    if (away === undefined) throw new Error("there are three");
    if (trouble === "cut") group.cut(away);
    else group.crash(away, "power");
    const rest = [1, 2, 3].map((id) => group.member(id)).filter((member) => member !== away);
    for (let at = 0; at < 25; at++) {
      const line = `${round}.${at}`;
      await group.commit(line, rest);
      expected.push(line);
    }
    if (trouble === "cut") group.mend(away);
    else await group.boot(away);
    await group.agree(undefined, 20_000);
  }
  expect(await group.agree()).toEqual(expected);
  expect(group.traffic.of("snapshot")).toBeGreaterThan(0);
  expect(group.up.some(({ ledger }) => ledger.restored > 0)).toBe(true);
}

test("SnapshotInstall: who was cut off while the log was let go gets a snapshot", async () => {
  for (let seed = 0; seed < 3; seed++) await install(seed, "cut", {});
});

test("SnapshotInstallUnreliable: also on a network that loses, doubles and delays", async () => {
  for (let seed = 0; seed < 3; seed++) await install(seed, "cut", UNRELIABLE);
});

test("SnapshotInstallCrash: who had lost its power meanwhile gets one", async () => {
  for (let seed = 0; seed < 3; seed++) await install(seed, "crash", {});
});

test("SnapshotInstallUnCrash: also on a network that loses, doubles and delays", async () => {
  for (let seed = 0; seed < 3; seed++) await install(seed, "crash", UNRELIABLE);
});

test("SnapshotAllCrash: all lose their power at once, and go on from their snapshots", async () => {
  const [group] = await TestGroup.lead({ options: OPTIONS });
  const expected: string[] = [];
  for (let round = 0; round < 5; round++) {
    for (let at = 0; at < 13; at++) {
      const line = `${round}.${at}`;
      await group.commit(line);
      expected.push(line);
    }
    const before = group.member(1).node.status().applied;
    for (const member of group.up) group.crash(member, "power");
    await group.bootAll([1, 2, 3].map((id) => group.member(id)));
    await group.leader();
    await group.agree();
    expect(group.member(1).node.status().applied).toBeGreaterThanOrEqual(before);
  }
  expect(await group.agree()).toEqual(expected);
});

test("SnapshotInit: a group that starts from a snapshot alone, without a log, goes on", async () => {
  const [group] = await TestGroup.lead({ options: OPTIONS });
  for (let at = 0; at < 20; at++) await group.commit(`line ${at}`);
  await group.agree();
  for (const { node } of group.up) {
    const { applied } = node.status();
    expect(await group.settle(node.snapshot())).toBe(applied);
    expect(node.status().snapshotIndex).toBe(applied);
  }
  // Twice, and with nothing in between: the second time nothing but the snapshot is read.
  for (let time = 0; time < 2; time++) {
    const members = group.up;
    for (const member of members) group.crash(member, "power");
    await group.bootAll(members);
    for (const { ledger } of members) expect(ledger.texts).toHaveLength(20);
  }
  await group.run(2 * ELECTION_TIMEOUT_MS);
  await group.commit("line 20");
  expect(await group.agree()).toHaveLength(21);
});
