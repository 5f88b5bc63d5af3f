// The alerts on what real groups do: twenty minutes of virtual time for each case, three members,
// the package's defaults.
import { promtool, requireOrSkip } from "@compendium/metrics/testing";
import { beforeEach, expect, test } from "vitest";
import { type Group, scrapedGroup } from "./support/raft-trial.ts";
import { assertFired } from "./support/trial.ts";

beforeEach((context) => requireOrSkip(context, promtool()));

type Each = (group: Group, minute: number) => void | Promise<void>;

async function expectFired(each: Each, ...alerts: string[]): Promise<void> {
  const series = await scrapedGroup({ minutes: 20, each });
  expect(series.size).toBeGreaterThan(200);
  assertFired(series, alerts);
}

// In the third minute, once.
const once =
  (happens: (group: Group) => void | Promise<void>): Each =>
  (group, minute) =>
    minute === 3 ? happens(group) : undefined;

test("a group in peace disturbs nobody", async () => {
  await expectFired(() => {});
});

test("members that are restarted one by one disturb nobody", async () => {
  await expectFired(async (group, minute) => {
    const member = minute % 4 === 3 ? group.member(1 + (((minute - 3) / 4) % 3)) : undefined;
    if (member === undefined) return;
    group.crash(member);
    await group.run(5_000);
    await group.boot(member);
  });
});

test("one of three is gone: the next one would be too many", async () => {
  await expectFired(
    once((group) => group.crash(group.member(3))),
    "RaftQuorumAtRisk",
  );
});

test("two of three are gone: no leader, and who asks the third gets nothing", async () => {
  await expectFired(
    once((group) => {
      group.crash(group.member(2));
      group.crash(group.member(3));
    }),
    "RaftNoLeader",
    "RaftProposalsFailing",
    "RaftReadsFailing",
  );
});

test("one of three is cut off, and still scraped", async () => {
  await expectFired(
    once((group) => group.cut(group.member(3))),
    "RaftMemberWithoutLeader",
    "RaftQuorumAtRisk",
  );
});

test("who is asked is cut off: the others could do what it cannot", async () => {
  await expectFired(
    once((group) => group.cut(group.member(1))),
    "RaftMemberWithoutLeader",
    "RaftProposalsFailing",
    "RaftQuorumAtRisk",
    "RaftReadsFailing",
  );
});

test("a leader that is cut off for three seconds every minute: leaders come and go", async () => {
  await expectFired(async (group) => {
    const leader = await group.leader();
    group.cut(leader);
    await group.run(3_000);
    group.mend(leader);
  }, "RaftLeaderFlapping");
});
