// The scenarios of MIT 6.5840, lab 3B (the log), told again in virtual time.
import { expect, test } from "vitest";
import { command } from "../ledger.ts";
import { ELECTION_TIMEOUT_MS, TestGroup, watch } from "../test-group.ts";

const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);

function lines(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, at) => `line ${from + at}`);
}

test("BasicAgree: what is proposed is carried out by all, in order, and by nobody before", async () => {
  for (const seed of SEEDS) {
    const [group] = await TestGroup.lead({ seed });
    for (const line of lines(1, 3)) {
      expect(group.history).not.toContain(line);
      await group.commit(line);
    }
    expect(await group.agree()).toEqual(lines(1, 3));
  }
});

test("RPCBytes: a command goes to each follower once", async () => {
  // In order: an append that is overtaken looks like one that was lost, and is sent again.
  const [group, leader] = await TestGroup.lead({ network: { fifo: true } });
  await group.commit("first");
  await group.agree();
  const bytesBefore = group.traffic.bytes;
  let bytes = 0;
  for (let at = 0; at < 10; at++) {
    const line = String.fromCharCode(97 + at).repeat(5_000);
    bytes += line.length;
    await group.settle(leader.node.propose(command(line)));
  }
  await group.agree();
  const sent = group.traffic.bytes - bytesBefore;
  expect(sent).toBeGreaterThanOrEqual(2 * bytes);
  // What an entry has beside its command is the proposer's name and a number.
  expect(sent).toBeLessThan(2 * bytes + 2 * 10 * 20);
});

test("FollowerFailure: two of three go on; one alone does not", async () => {
  const [group, leader] = await TestGroup.lead();
  await group.commit("of three");
  const [one, other] = group.others(leader);
  if (one === undefined || other === undefined) throw new Error("there are three");
  group.cut(one);
  const rest = [leader, other];
  await group.commit("of two", rest);
  await group.run(ELECTION_TIMEOUT_MS);
  await group.commit("of two, later", rest);
  group.cut(other);
  const lonely = watch(leader.node.propose(command("of one")));
  await group.run(5 * ELECTION_TIMEOUT_MS);
  expect(lonely.value).toBeUndefined();
  expect(group.history).toEqual(["of three", "of two", "of two, later"]);
});

test("LeaderFailure: a majority goes on without its leader; the last one alone does not", async () => {
  const [group, first] = await TestGroup.lead();
  await group.commit("under the first");
  group.cut(first);
  const rest = group.others(first);
  await group.commit("under the second", rest);
  const second = await group.leader(rest);
  group.cut(second);
  const calls = group.up.map(({ node }) => watch(node.propose(command("under nobody"))));
  await group.run(10 * ELECTION_TIMEOUT_MS);
  for (const { value } of calls) expect(value).toBeUndefined();
  expect(group.history).toEqual(["under the first", "under the second"]);
});

test("FailAgree: a follower that was away gets what it missed", async () => {
  for (const seed of SEEDS) {
    const [group, leader] = await TestGroup.lead({ seed });
    await group.commit("all");
    await group.agree();
    const [away] = group.others(leader);
    if (away === undefined) throw new Error("there are three");
    group.cut(away);
    const rest = group.others(away);
    for (const line of lines(1, 4)) await group.commit(line, rest);
    await group.run(2 * ELECTION_TIMEOUT_MS);
    for (const line of lines(5, 6)) await group.commit(line, rest);
    expect(away.ledger.texts).toEqual(["all"]);
    group.mend(away);
    await group.commit("all again");
    expect(await group.agree()).toEqual(["all", ...lines(1, 6), "all again"]);
  }
});

test("FailNoAgree: with three of five away nothing is carried out, until they are back", async () => {
  const [group, leader] = await TestGroup.lead({ members: 5 });
  await group.commit("all");
  const away = group.others(leader).slice(0, 3);
  for (const member of away) group.cut(member);
  const call = watch(leader.node.propose(command("too few")));
  await group.run(10 * ELECTION_TIMEOUT_MS);
  expect(call.error).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
  expect(group.history).toEqual(["all"]);
  for (const member of away) group.mend(member);
  await group.commit("all again");
  // Its outcome was not known; it may have come through after all, in front of what follows.
  const carriedOut = await group.agree();
  expect(carriedOut.filter((line) => line !== "too few")).toEqual(["all", "all again"]);
});

test("ConcurrentStarts: commands of one turn are all carried out, each at an index of its own", async () => {
  const [group, leader] = await TestGroup.lead();
  const texts = lines(1, 50);
  const messagesBefore = group.traffic.of("append");
  const answers = await group.settle(
    Promise.all(texts.map((line) => leader.node.propose(command(line)))),
  );
  expect(new Set(answers.map(({ index }) => index)).size).toBe(50);
  expect(await group.agree()).toEqual(texts);
  // They went together.
  expect(group.traffic.of("append") - messagesBefore).toBeLessThan(10);
});

test("Rejoin: an old leader with entries of its own takes those of the majority instead", async () => {
  for (const seed of SEEDS) {
    const [group, first] = await TestGroup.lead({ seed });
    await group.commit("one");
    group.cut(first);
    const lost = ["a", "b", "c"].map((line) => watch(first.node.propose(command(`lost ${line}`))));
    await group.commit("two", group.others(first));
    const second = await group.leader(group.others(first));
    group.cut(second);
    group.mend(first);
    await group.commit("three", group.others(second));
    group.mend(second);
    await group.commit("four");
    expect(await group.agree()).toEqual(["one", "two", "three", "four"]);
    // Either its time was over first, or it is known that they never happened.
    for (const { error } of lost) {
      expect(["SUPERSEDED", "TIMEOUT"]).toContain((error as { code: string }).code);
    }
  }
});

test("Backup: logs that differ by many entries of many terms agree after a few round trips", async () => {
  const [group, first] = await TestGroup.lead({ members: 5 });
  await group.commit("begin");
  const [a, b, c, d] = group.others(first);
  if (!(a && b && c && d)) throw new Error("there are five");
  // The leader and one follower are apart with fifty entries that never commit.
  group.cut(first, a);
  const lost = lines(1, 50).map((line) => watch(first.node.propose(command(`lost ${line}`))));
  for (const line of lines(1, 50)) await group.commit(line, [b, c, d]);
  // Another leader, with one follower, has fifty more that never commit.
  const second = await group.leader([b, c, d]);
  const [other, away] = [b, c, d].filter((member) => member !== second);
  if (!(other && away)) throw new Error("there are three");
  group.cut(other);
  group.cut(away);
  const alsoLost = lines(51, 100).map((line) =>
    watch(second.node.propose(command(`lost ${line}`))),
  );
  await group.run(3 * ELECTION_TIMEOUT_MS);
  group.cut(second);
  // Now those with the stalest logs and one who has all that was committed.
  group.mend(first, a);
  group.mend(other);
  const rest = [first, a, other];
  for (const line of lines(101, 150)) await group.commit(line, rest);
  group.mend(second);
  group.mend(away);
  const before = group.traffic.messages;
  await group.commit("end");
  const texts = await group.agree();
  expect(texts).toEqual(["begin", ...lines(1, 50), ...lines(101, 150), "end"]);
  expect(group.traffic.messages - before).toBeLessThan(300);
  expect([...lost, ...alsoLost].every(({ value }) => value === undefined)).toBe(true);
});

test("Count: an election, an agreement and an idle second take few messages", async () => {
  const group = await TestGroup.start({ network: { fifo: true } });
  await group.leader();
  // Pre-votes, votes, and the first entries of a term, with the answers to them.
  expect(group.traffic.messages).toBeLessThan(40);

  const { node } = await group.leader();
  await group.agree();
  const before = group.traffic.of("append");
  await group.settle(Promise.all(lines(1, 10).map((line) => node.propose(command(line)))));
  await group.agree();
  // Ten commands, two followers; then the news that they are committed.
  expect(group.traffic.of("append") - before).toBeLessThanOrEqual((10 + 1) * 2 + 2);

  // Meanwhile the group has learned which disks its members have, once.
  await group.run(ELECTION_TIMEOUT_MS);
  const idleFrom = group.traffic.messages;
  await group.run(1_000);
  // Twenty-five heartbeats to each of two, and the answers.
  expect(group.traffic.messages - idleFrom).toBeLessThanOrEqual(26 * 2 * 2);
});
