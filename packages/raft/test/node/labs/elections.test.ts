// The scenarios of MIT 6.5840, lab 3A (leader election), told again in virtual time.
import { expect, test } from "vitest";
import { ELECTION_TIMEOUT_MS, TestGroup } from "../test-group.ts";

const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);

test("InitialElection: one leader is elected, and while nothing fails it stays", async () => {
  for (const seed of SEEDS) {
    const [group, leader] = await TestGroup.lead({ seed });
    const { term } = leader.node.leadership;
    await group.run(10 * ELECTION_TIMEOUT_MS);
    expect(await group.leader()).toBe(leader);
    expect(leader.node.leadership.term).toBe(term);
  }
});

test("ReElection: a majority that lost its leader has another; without a majority nobody leads", async () => {
  for (const seed of SEEDS) {
    const [group, first] = await TestGroup.lead({ seed });
    group.cut(first);
    const second = await group.leader(group.others(first));
    expect(second.node.leadership.term).toBeGreaterThan(1);
    // The old one comes back, and follows.
    group.mend(first);
    expect(await group.leader()).toBe(second);

    const [other] = group.others(second);
    if (other === undefined) throw new Error("there are three");
    group.cut(second);
    group.cut(other);
    await group.run(3 * ELECTION_TIMEOUT_MS);
    expect(group.hasLeader(group.up)).toBe(false);
    await group.run(5 * ELECTION_TIMEOUT_MS);
    expect(group.hasLeader(group.up)).toBe(false);

    group.mend(other);
    await group.leader(group.others(second));
    group.mend(second);
    await group.leader();
  }
});

test("ManyElections: whichever three of seven are cut off, the other four have one leader", async () => {
  const group = await TestGroup.start({ members: 7 });
  await group.leader();
  const { random } = group.member(1).world;
  for (let round = 0; round < 12; round++) {
    const away = new Set<number>();
    while (away.size < 3) away.add(1 + random.below(7));
    const cut = group.up.filter(({ id }) => away.has(id));
    for (const member of cut) group.cut(member);
    await group.leader(group.others(...cut));
    for (const member of cut) group.mend(member);
    await group.leader();
  }
});
