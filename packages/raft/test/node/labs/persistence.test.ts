// The scenarios of MIT 6.5840, lab 3C (persistence), told again in virtual time. Crashes take the
// power: whatever was not synced is lost, or half of it is.
import { expect, test } from "vitest";
import { command } from "../ledger.ts";
import { ELECTION_TIMEOUT_MS, TestGroup, type TestMember, watch } from "../test-group.ts";

const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);
// A tenth of all datagrams is lost, some come twice, and many come late.
const UNRELIABLE = { lossPer1000: 100, duplicatesPer1000: 20, stragglersPer1000: 300 };

async function restart(group: TestGroup, ...members: readonly TestMember[]): Promise<void> {
  for (const member of members) group.crash(member, "power");
  await group.bootAll(members);
}

test("Persist1: what was carried out is there after any member, or all, lost their power", async () => {
  for (const seed of SEEDS) {
    const [group, first] = await TestGroup.lead({ seed });
    await group.commit("1");
    await restart(group, ...group.up);
    await group.commit("2");

    const second = await group.leader();
    await restart(group, second);
    await group.commit("3");

    const third = await group.leader();
    group.crash(third, "power");
    await group.commit("4", group.others(third));
    await group.boot(third);
    await group.agree();

    const [follower] = group.others(await group.leader());
    if (follower === undefined) throw new Error("there are three");
    group.crash(follower, "power");
    await group.commit("5", group.others(follower));
    await group.boot(follower);
    await group.commit("6");
    expect(await group.agree()).toEqual(["1", "2", "3", "4", "5", "6"]);
    expect(first.failure).toBeUndefined();
  }
});

test("Persist2: members of five come and go by two and three, and nothing is lost", async () => {
  for (const seed of SEEDS.slice(0, 5)) {
    const group = await TestGroup.start({ seed, members: 5 });
    const ring = (at: number) => group.member(1 + (at % 5));
    const expected: string[] = [];
    const add = async (line: string): Promise<void> => {
      await group.commit(line);
      expected.push(line);
    };
    for (let round = 0; round < 3; round++) {
      await add(`${round} all`);
      const pair = [ring(round), ring(round + 1)];
      for (const member of pair) group.crash(member, "power");
      await add(`${round} three of five`);
      const others = [ring(round + 2), ring(round + 3), ring(round + 4)];
      for (const member of others) group.crash(member, "power");
      await group.bootAll([...pair, ...others.slice(0, 1)]);
      // Of those three only one has all that was carried out, so it is the one that can lead.
      expect(await group.leader()).toBe(others[0]);
      await add(`${round} another three of five`);
      await group.bootAll(others.slice(1));
    }
    await add("end");
    expect(await group.agree()).toEqual(expected);
  }
});

test("Persist3: a leader apart and a follower lose their power; the leader's return is enough", async () => {
  const [group, leader] = await TestGroup.lead();
  await group.commit("1");
  const [one, other] = group.others(leader);
  if (!(one && other)) throw new Error("there are three");
  group.cut(other);
  await group.commit("2", [leader, one]);
  group.crash(leader, "power");
  group.crash(one, "power");
  group.mend(other);
  await group.boot(leader);
  await group.commit("3", [leader, other]);
  await group.boot(one);
  await group.commit("4");
  expect(await group.agree()).toEqual(["1", "2", "3", "4"]);
});

test("Figure8: leaders that crash with half of their entries sent commit only by entries of their own term", async () => {
  for (const seed of SEEDS.slice(0, 8)) {
    const group = await TestGroup.start({ seed, members: 5 });
    const { random } = group.member(1).world;
    for (let round = 0; round < 60; round++) {
      for (const { node } of group.up) watch(node.propose(command(`${seed} ${round}`)));
      // Often too short for the entries to come round.
      await group.run(random.below(10) === 0 ? random.below(ELECTION_TIMEOUT_MS) : random.below(4));
      const leader = group.up.find(({ node }) => node.leadership.isLeader);
      if (leader !== undefined) group.crash(leader, "power");
      if (group.up.length >= 3) continue;
      const [down] = [1, 2, 3, 4, 5].map((id) => group.member(id)).filter(({ isUp }) => !isUp);
      if (down !== undefined) await group.boot(down);
      await group.run(2 * ELECTION_TIMEOUT_MS);
    }
    const down = [1, 2, 3, 4, 5].map((id) => group.member(id)).filter(({ isUp }) => !isUp);
    await group.bootAll(down);
    await group.commit("end");
    expect((await group.agree()).at(-1)).toBe("end");
  }
});

test("UnreliableAgree: on a network that loses and delays, every command is carried out", async () => {
  const group = await TestGroup.start({ members: 5, network: UNRELIABLE });
  const { node } = await group.leader();
  const session = await group.settle(node.openSession());
  const lines = Array.from({ length: 50 }, (_, at) => `line ${at}`);
  for (let from = 0; from < lines.length; from += 5) {
    const part = lines.slice(from, from + 5).map((line) => session.propose(command(line)));
    await group.settle(Promise.all(part), 60_000);
  }
  expect((await group.agree()).sort()).toEqual(lines.sort());
});

test("Figure8Unreliable: the same with messages that overtake each other by whole elections", async () => {
  for (const seed of SEEDS.slice(0, 4)) {
    const network = { ...UNRELIABLE, delayUs: [100, 8_000] as const };
    const group = await TestGroup.start({ seed, members: 5, network });
    const { random } = group.member(1).world;
    const away = new Set<TestMember>();
    for (let round = 0; round < 100; round++) {
      for (const { node } of group.up) watch(node.propose(command(`${seed} ${round}`)));
      await group.run(
        random.below(10) === 0 ? random.below(ELECTION_TIMEOUT_MS) : random.below(13),
      );
      const leader = group.up.find(
        (member) => !away.has(member) && member.node.leadership.isLeader,
      );
      if (leader !== undefined && random.below(2) === 0) {
        group.cut(leader);
        away.add(leader);
      }
      const [back] = away;
      if (away.size < 3 || back === undefined) continue;
      group.mend(back);
      away.delete(back);
    }
    for (const member of away) group.mend(member);
    await group.commit("end");
    // Proposals on their way to a leader may still arrive behind it.
    expect(await group.agree()).toContain("end");
  }
});

interface Acknowledged {
  readonly index: number;
  readonly line: string;
}

// Proposes one command after the other at one member after the other, until told to stop.
async function churn(
  group: TestGroup,
  name: string,
  isOver: () => boolean,
): Promise<Acknowledged[]> {
  const { random, clock } = group.member(1).world;
  const pause = (ms: number) =>
    new Promise<void>((resolve) => clock.setTimer(clock.now() + ms, resolve));
  const all: Acknowledged[] = [];
  for (let at = 0; !isOver(); at++) {
    const { node } = group.member(1 + random.below(5));
    const line = `${name} ${at}`;
    const call = watch(node.propose(command(line)));
    // Who was crashed never answers. Nothing is proposed a second time.
    for (let ms = 0; ms < 300 && !call.isSettled; ms += 10) await pause(10);
    if (call.value !== undefined) all.push({ index: call.value.index, line });
    await pause(1 + random.below(20));
  }
  return all;
}

async function runChurn(seed: number, network: object): Promise<void> {
  const group = await TestGroup.start({ seed, members: 5, network });
  const { random } = group.member(1).world;
  let isOver = false;
  const clients = [1, 2, 3].map((client) => churn(group, `client ${client}`, () => isOver));
  const away = new Set<TestMember>();
  for (let round = 0; round < 20; round++) {
    // Member 1 lends the clients its clock, and so does not crash.
    const one = group.member(2 + random.below(4));
    const draw = random.below(10);
    if (draw < 2 && !away.has(one)) {
      group.cut(one);
      away.add(one);
    } else if (draw < 5) {
      for (const member of away) group.mend(member);
      away.clear();
    } else if (draw < 7) await restart(group, one);
    await group.run(ELECTION_TIMEOUT_MS * 0.7);
  }
  isOver = true;
  for (const member of away) group.mend(member);
  const acknowledged = (await group.settle(Promise.all(clients))).flat();
  await group.commit("end");
  await group.agree();
  const found = new Map(group.member(1).ledger.lines.map(({ index, text }) => [index, text]));
  for (const { index, line } of acknowledged) expect(found.get(index)).toBe(line);
  expect(acknowledged.length).toBeGreaterThan(20);
  expect(new Set(found.values()).size, "nothing is carried out twice").toBe(found.size);
}

test("ReliableChurn: members come and go under load, and all that was acknowledged is there", async () => {
  for (const seed of SEEDS.slice(0, 5)) await runChurn(seed, {});
});

test("UnreliableChurn: the same on a network that loses, doubles and delays", async () => {
  for (const seed of SEEDS.slice(0, 5)) await runChurn(seed, UNRELIABLE);
});
