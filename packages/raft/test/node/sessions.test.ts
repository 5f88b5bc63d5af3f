// Sessions: a command is carried out once, however often and at whichever member it was proposed.
import { expect, test } from "vitest";
import type { SessionCommandId } from "../../src/node/index.ts";
import { engineOf } from "../../src/node/raft-node.ts";
import { UNACKNOWLEDGED_MAX } from "../../src/node/sessions.ts";
import { command, placeOf } from "./ledger.ts";
import { TestGroup, type TestMember, watch } from "./test-group.ts";

async function run(
  group: TestGroup,
  { node }: TestMember,
  line: string,
  session: SessionCommandId,
): Promise<number> {
  return placeOf(await group.settle(node.propose(command(line), { session })));
}

test("a repeat gets the first answer, on another member, after the leader is gone", async () => {
  const [group, leader] = await TestGroup.lead();
  const { id } = await group.settle(leader.node.openSession());
  const first = { id, sequence: 1, acknowledged: 0 };
  expect(await run(group, leader, "once", first)).toBe(1);
  await group.commit("between");
  group.crash(leader);
  await group.leader();
  for (const member of group.up) expect(await run(group, member, "once", first)).toBe(1);
  expect(await run(group, await group.leader(), "next", { ...first, sequence: 2 })).toBe(3);
  expect(await group.agree()).toEqual(["once", "between", "next"]);
  for (const { node } of group.up) expect(node.stats().repeats).toBe(2);
});

test("a repeat gets the first answer from a member that has it only by a snapshot", async () => {
  const [group, leader] = await TestGroup.lead({
    options: { snapshotEntries: 8, catchUpEntries: 0 },
  });
  const { id } = await group.settle(leader.node.openSession());
  const first = { id, sequence: 1, acknowledged: 0 };
  const [away] = group.others(leader);
  if (away === undefined) throw new Error("there are three");
  group.cut(away);
  expect(await run(group, leader, "once", first)).toBe(1);
  for (let at = 0; at < 20; at++) await group.commit(`${at}`, group.others(away));
  group.mend(away);
  await group.agree();
  expect(away.ledger.restored).toBeGreaterThan(0);
  expect(await run(group, away, "once", first)).toBe(1);

  for (const member of group.up) group.crash(member, "power");
  await group.bootAll([1, 2, 3].map((each) => group.member(each)));
  await group.leader();
  expect(await run(group, group.member(1), "once", first)).toBe(1);
  expect((await group.agree()).filter((line) => line === "once")).toHaveLength(1);
});

test("attempts that are under way at the same time are one command", async () => {
  const [group] = await TestGroup.lead();
  const { id } = await group.settle(group.member(1).node.openSession());
  const session = { id, sequence: 1, acknowledged: 0 };
  const attempts = [1, 2, 3, 1, 2, 3].map((member) =>
    group.member(member).node.propose(command("once"), { session }),
  );
  const answers = await group.settle(Promise.all(attempts));
  expect(answers.map(placeOf)).toEqual([1, 1, 1, 1, 1, 1]);
  expect(await group.agree()).toEqual(["once"]);
});

test("a session outlives attempts without an answer, and its commands happen once", async () => {
  const network = { lossPer1000: 300, duplicatesPer1000: 100, stragglersPer1000: 100 };
  const [group] = await TestGroup.lead({ seed: 5, network, options: { timeoutMs: 60 } });
  const { node } = (await group.leader()).id === 1 ? group.member(2) : group.member(1);
  const session = await group.settle(
    (async () => {
      for (;;) {
        try {
          return await node.openSession({ timeoutMs: 2_000 });
        } catch {
          // Nobody knows whether there is one; another will do.
        }
      }
    })(),
    30_000,
  );
  const lines = Array.from({ length: 30 }, (_, at) => `${at}`);
  for (const line of lines) {
    await group.settle(session.propose(command(line), { attemptsMax: 100 }), 60_000);
  }
  expect(await group.agree()).toEqual(lines);
  expect(node.stats().expired).toBeGreaterThan(0);
});

test("of the sessions that are too many the one goes that was used longest ago, on all members", async () => {
  const [group, leader] = await TestGroup.lead({ options: { sessionsMax: 2 } });
  const open = async () => (await group.settle(leader.node.openSession())).id;
  const [a, b] = [await open(), await open()];
  await run(group, leader, "a", { id: a, sequence: 1, acknowledged: 0 });
  // Days may pass: it is the log that counts, not a clock.
  await group.run(3_600);
  const c = await open();
  const gone = leader.node.propose(command("b"), {
    session: { id: b, sequence: 1, acknowledged: 0 },
  });
  expect(await group.refusal(gone)).toMatchObject({ code: "SESSION_EXPIRED", outcome: "unknown" });
  for (const id of [a, c]) {
    await run(group, leader, `${id} again`, { id, sequence: 2, acknowledged: 1 });
  }
  await group.agree();
  for (const { node } of group.up) expect(node.status().sessions).toBe(2);
});

test("the bound on sessions is the proposer's, and the same on members with other bounds", async () => {
  const [group, leader] = await TestGroup.lead({ options: { sessionsMax: 3 } });
  const [other] = group.others(leader);
  if (other === undefined) throw new Error("there are three");
  group.crash(other);
  await group.boot(other, { sessionsMax: 1 });
  for (let at = 0; at < 5; at++) await group.settle(leader.node.openSession());
  await group.agree();
  for (const { node } of group.up) expect(node.status().sessions).toBe(3);
});

test("a command whose answer was acknowledged is refused, and not carried out again", async () => {
  const [group, leader] = await TestGroup.lead();
  const { id } = await group.settle(leader.node.openSession());
  await run(group, leader, "1", { id, sequence: 1, acknowledged: 0 });
  await run(group, leader, "2", { id, sequence: 2, acknowledged: 1 });
  const session = { id, sequence: 1, acknowledged: 0 };
  const error = await group.refusal(leader.node.propose(command("1"), { session }));
  // It did happen, the first time: nobody is told that it did not.
  expect(error).toMatchObject({ code: "SESSION_SEQUENCE", outcome: "unknown" });
  expect(error.message).toContain("1 was acknowledged");
  expect(await group.agree()).toEqual(["1", "2"]);
});

test("a session keeps a bounded number of answers, and says so when there are more", async () => {
  const [group, leader] = await TestGroup.lead();
  const { id } = await group.settle(leader.node.openSession());
  const all = Array.from({ length: UNACKNOWLEDGED_MAX + 1 }, (_, at) =>
    leader.node.propose(command("x"), { session: { id, sequence: at + 1, acknowledged: 0 } }),
  );
  const last = all.pop() as Promise<unknown>;
  const error = await group.refusal(last);
  expect(error).toMatchObject({ code: "SESSION_SEQUENCE", outcome: "not-executed" });
  await group.settle(Promise.all(all));
  expect(await group.agree()).toHaveLength(UNACKNOWLEDGED_MAX);
  const sequence = UNACKNOWLEDGED_MAX + 1;
  await run(group, leader, "y", { id, sequence, acknowledged: UNACKNOWLEDGED_MAX });
});

test("a client's end lets go of the answers it has", async () => {
  const [group, leader] = await TestGroup.lead();
  const session = await group.settle(leader.node.openSession());
  for (let at = 0; at < 20; at++) await group.settle(session.propose(command(`${at}`)));
  await group.settle(Promise.all([1, 2, 3].map((at) => session.propose(command(`+${at}`)))));
  await group.settle(session.propose(command("end")));
  const [stored] = engineOf(leader.node).state.sessions.stored();
  expect(stored?.results.size).toBe(1);
});

test("an abort ends a client's asking in the turn, and its next command is its next", async () => {
  const [group, leader] = await TestGroup.lead();
  const session = await group.settle(leader.node.openSession());
  const [one, other] = group.others(leader);
  if (!(one && other)) throw new Error("there are three");
  group.cut(leader);
  const controller = new AbortController();
  const { signal } = controller;
  const call = watch(session.propose(command("given up"), { signal }));
  await group.run(1);
  controller.abort(new Error("enough"));
  await new Promise((resolve) => setImmediate(resolve));
  expect(call.error).toMatchObject({ message: "enough" });
  await expect(session.propose(command("never"), { signal })).rejects.toThrow("enough");
  group.mend(leader);
  await group.settle(session.propose(command("next")));
  // The one that was given up may have happened before, but not after what came next.
  expect((await group.agree()).at(-1)).toBe("next");
});

test.each([
  [{ id: 0, sequence: 1, acknowledged: 0 }, "session.id is 0"],
  [{ id: 1, sequence: 0, acknowledged: 0 }, "session.sequence is 0"],
  [{ id: 1, sequence: 1.5, acknowledged: 0 }, "session.sequence is 1.5"],
  [{ id: 1, sequence: 1, acknowledged: -1 }, "session.acknowledged is -1"],
])("refuses the session %j by name", async (session, message) => {
  const group = await TestGroup.start();
  const { node } = group.member(1);
  await expect(node.propose(command("x"), { session })).rejects.toThrow(RangeError);
  await expect(node.propose(command("x"), { session })).rejects.toThrow(message);
});
