// What Prometheus is shown of the members of a group: who leads, and what a leader knows of its
// followers. The group lives on the simulated world.
import { expect, test } from "vitest";
import { alone, expectSeries, pretended, scrape } from "./metrics-scrape.ts";
import { TestGroup } from "./node/test-group.ts";

test("a leader shows of its followers who was heard of, and how far behind each is", async () => {
  const [group, leader] = await TestGroup.lead({ members: 3 });
  await group.commit("a");
  // Until the leader has told the group of every member's disk.
  await group.run(1_000);
  await group.agree();
  const [near, far] = group.others(leader);
  if (near === undefined || far === undefined) throw new Error("there are three");
  group.cut(far);
  for (const text of ["b", "c", "d"]) await group.commit(text, group.others(far));
  await group.agree(group.others(far));
  // Just after it has counted its quorum, it has heard of nobody.
  await group.until("it has counted without the one that is cut off", () =>
    leader.node
      .status()
      .members.every(
        ({ id, recentActive }) => id === leader.id || recentActive === (id === near.id),
      ),
  );
  await expectSeries(leader.node, {
    'raft_members{kind="voter"}': 3,
    raft_quorum_spare: 0,
    [`raft_follower_lag_entries{follower="${near.id}"}`]: 0,
    [`raft_follower_lag_entries{follower="${far.id}"}`]: 3,
    [`raft_follower_active{follower="${near.id}"}`]: 1,
    [`raft_follower_active{follower="${far.id}"}`]: 0,
    [`raft_follower_state{follower="${near.id}",state="replicate"}`]: 1,
    [`raft_follower_state{follower="${near.id}",state="probe"}`]: 0,
  });
  const followers = [...(await scrape(near.node)).keys()].filter((key) =>
    /follower=|spare/.test(key),
  );
  expect(followers).toEqual([]);

  group.mend(far);
  await group.agree();
  await group.until("it has heard of both, and of all they have", () => {
    const { id, members, lastIndex } = leader.node.status();
    return members.every(
      (each) => each.id === id || (each.recentActive && each.match === lastIndex),
    );
  });
  await expectSeries(leader.node, {
    raft_quorum_spare: 1,
    [`raft_follower_lag_entries{follower="${far.id}"}`]: 0,
  });
});

test("whoever is cut off has no leader, and a group's commit index does not go back", async () => {
  const [group, leader] = await TestGroup.lead({ members: 3 });
  await group.commit("a");
  group.cut(leader);
  const next = await group.leader(group.others(leader));
  await group.until("the old one has given up", () => !leader.node.leadership.isLeader);
  await expectSeries(leader.node, { raft_has_leader: 0, raft_is_leader: 0, raft_running: 1 });
  await expectSeries(next.node, { raft_has_leader: 1, raft_is_leader: 1 });
  const series = await scrape(next.node);
  expect(series.get("raft_leader_changes_total")).toBeGreaterThanOrEqual(2);
  expect(series.get("raft_commit_index")).toBe(next.node.status().committed);
  expect(series.get("raft_applied_index")).toBe(next.node.status().applied);
});

test("a snapshot that a follower got is counted where it was installed", async () => {
  const options = { snapshotEntries: 5, catchUpEntries: 0 };
  const [group, leader] = await TestGroup.lead({ members: 3, options });
  const [, far] = group.others(leader);
  if (far === undefined) throw new Error("there are three");
  group.cut(far);
  for (let count = 0; count < 20; count++) await group.commit(`${count}`, group.others(far));
  group.mend(far);
  await group.agree();
  expect((await scrape(far.node)).get("raft_snapshots_installed_total")).toBeGreaterThan(0);
  expect((await scrape(leader.node)).get("raft_snapshots_made_total")).toBeGreaterThan(0);
});

const follower = (id: number, match: number, recentActive: boolean) => ({
  id,
  match,
  next: match + 1,
  state: "replicate" as const,
  recentActive,
  paused: false,
  inflight: match % 7,
  isLearner: false,
});

test("followers with ids above 255 are one series, which shows the worst of them", async () => {
  const { node } = await alone();
  const members = [
    follower(1, 100, true),
    follower(255, 90, true),
    follower(256, 80, true),
    follower(1_000, 10, false),
  ];
  await expectSeries(pretended({ role: "leader", lastIndex: 100, members }, node), {
    'raft_follower_lag_entries{follower="255"}': 10,
    'raft_follower_lag_entries{follower="other"}': 90,
    'raft_follower_active{follower="255"}': 1,
    'raft_follower_active{follower="other"}': 0,
    'raft_follower_inflight{follower="other"}': 3,
    'raft_follower_state{follower="other",state="replicate"}': 1,
    'raft_follower_state{follower="other",state="snapshot"}': 0,
  });
  await node.close();
});

test("in a joint configuration the scarcer majority counts", async () => {
  const { node } = await alone();
  const members = [1, 2, 3, 4, 5].map((id) => follower(id, 1, id !== 5));
  const { configuration } = node.status();
  const joint = { ...configuration, incoming: [1, 2, 3], outgoing: [3, 4, 5], learners: [6] };
  await expectSeries(pretended({ role: "leader", members, configuration: joint }, node), {
    'raft_members{kind="voter"}': 5,
    'raft_members{kind="learner"}': 1,
    // Of the old three, two are there: none to spare.
    raft_quorum_spare: 0,
  });
  await node.close();
});
