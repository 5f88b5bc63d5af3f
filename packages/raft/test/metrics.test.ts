// What Prometheus is shown of a member that is alone, on a disk that fills up and fails. Time is
// virtual, so that each number is known. metrics-group.test.ts has the others.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import {
  assertPromtoolClean,
  documentedMetrics,
  promtool,
  registeredMetrics,
  requireOrSkip,
} from "@compendium/metrics/testing";
import { registerRaftNode } from "@compendium/raft/metrics";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { registerExample } from "./metrics-example.ts";
import { alone, expectSeries, pretended, scrape } from "./metrics-scrape.ts";

const command = new TextEncoder().encode("one");

test("a member shows its term and its role; before there is a leader it has none", async () => {
  const { node, clock } = await alone();
  await expectSeries(node, {
    raft_running: 1,
    raft_term: 1,
    'raft_role{role="follower"}': 1,
    'raft_role{role="leader"}': 0,
    raft_is_leader: 0,
    raft_has_leader: 0,
    raft_leader_changes_total: 0,
    raft_elections_started_total: 0,
  });
  await clock.advanceAsync(2_000);
  await expectSeries(node, {
    raft_term: 2,
    'raft_role{role="follower"}': 0,
    'raft_role{role="leader"}': 1,
    raft_is_leader: 1,
    raft_has_leader: 1,
    raft_leader_changes_total: 1,
    raft_elections_started_total: 1,
    'raft_members{kind="voter"}': 1,
    raft_quorum_spare: 0,
  });
  await node.close();
});

test("proposals, reads and sessions are counted by how they end", async () => {
  const { node, clock } = await alone();
  const early = [node.propose(command, { timeoutMs: 100 }), node.read({ timeoutMs: 100 })];
  const outcomes = Promise.allSettled(early);
  await expectSeries(node, {
    raft_proposals_waiting: 1,
    raft_reads_waiting: 1,
    'raft_proposals_total{outcome="no-leader"}': 0,
  });
  await clock.advanceAsync(2_000);
  await outcomes;

  await node.propose(command);
  const session = await node.openSession();
  const first = { id: session.id, sequence: 1, acknowledged: 0 };
  await node.propose(command, { session: first });
  await node.propose(command, { session: first });
  const gone = { id: 999, sequence: 1, acknowledged: 0 };
  await node.propose(command, { session: gone }).catch(() => {});
  await Promise.all([node.read(), node.read()]);
  await expectSeries(node, {
    'raft_proposals_total{outcome="answered"}': 4,
    'raft_proposals_total{outcome="no-leader"}': 1,
    'raft_proposals_total{outcome="session-expired"}': 1,
    'raft_proposals_total{outcome="timeout"}': 0,
    raft_proposals_waiting: 0,
    raft_proposals_waiting_bytes: 0,
    'raft_reads_total{outcome="answered"}': 2,
    'raft_reads_total{outcome="no-leader"}': 1,
    raft_reads_waiting: 0,
    // Both were confirmed by one question.
    raft_read_rounds_total: 1,
    raft_session_repeats_total: 1,
    raft_sessions: 1,
  });
  await node.close();
});

test("whoever gives up is counted as cancelled, whatever the reason", async () => {
  const { node } = await alone();
  for (const reason of ["a word", 5, new Error("an error")]) {
    const giveUp = new AbortController();
    const { signal } = giveUp;
    const asked = Promise.allSettled([node.propose(command, { signal }), node.read({ signal })]);
    giveUp.abort(reason);
    expect(await asked).toEqual([
      { status: "rejected", reason },
      { status: "rejected", reason },
    ]);
  }
  await expectSeries(node, {
    'raft_proposals_total{outcome="cancelled"}': 3,
    'raft_reads_total{outcome="cancelled"}': 3,
    raft_proposals_waiting_bytes: 0,
  });
  await node.close();
});

test("the log's batches, entries and bytes are counted, and how long each sync took", async () => {
  const { node, disk, clock } = await alone();
  await clock.advanceAsync(2_000);
  const before = await scrape(node);
  // The clock goes on by 3 ms while the disk is busy.
  disk.fault = ({ kind }) => {
    if (kind === "sync") clock.advance(3);
    return undefined;
  };
  await Promise.all([node.propose(command), node.propose(command)]);
  const after = await scrape(node);
  const grown = (key: string): number => (after.get(key) ?? 0) - (before.get(key) ?? 0);
  expect(grown("raft_wal_entries_total")).toBe(2);
  expect(grown("raft_entries_applied_total")).toBe(2);
  expect(grown("raft_wal_sync_seconds_count")).toBe(1);
  expect(grown('raft_wal_sync_seconds_bucket{le="0.0025"}')).toBe(0);
  expect(grown('raft_wal_sync_seconds_bucket{le="0.005"}')).toBe(1);
  expect(grown("raft_wal_sync_seconds_sum")).toBeCloseTo(0.003);
  expect(grown("raft_wal_written_bytes_total")).toBe(
    node.stats().wal.bytes - Number(before.get("raft_wal_written_bytes_total")),
  );
  expect(after.get("raft_wal_pending_bytes")).toBe(0);
  await node.close();
});

test("syncs for which the event loop stood still are counted, with the slowest", async () => {
  const { node, disk, clock } = await alone();
  await clock.advanceAsync(2_000);
  await node.propose(command);
  await expectSeries(node, { raft_wal_inline_syncs_total: 0, raft_wal_inline_sync_seconds_max: 0 });
  disk.syncPlace = "inline";
  for (const tookMs of [3, 1]) {
    disk.fault = ({ kind }) => {
      if (kind === "sync") clock.advance(tookMs);
      return undefined;
    };
    await node.propose(command);
  }
  await expectSeries(node, {
    raft_wal_inline_syncs_total: 2,
    raft_wal_inline_sync_seconds_max: 0.003,
  });
  await node.close();
});

test("snapshots are counted, with their size; without room for one it is refused", async () => {
  const { node, disk, clock } = await alone();
  await clock.advanceAsync(2_000);
  const { index } = await node.propose(command);
  await node.snapshot();
  await expectSeries(node, {
    raft_snapshots_made_total: 1,
    raft_snapshots_refused_total: 0,
    raft_snapshot_index: index,
    raft_snapshot_bytes: node.status().snapshotBytes,
  });
  await node.propose(command);
  disk.fault = ({ path }) => (path.includes("snapshot") ? "DISK_FULL" : undefined);
  await node.snapshot();
  await expectSeries(node, {
    raft_snapshots_made_total: 1,
    raft_snapshots_refused_total: 1,
    raft_snapshot_index: index,
  });
  await node.close();
});

test("a member whose disk has failed is shown as stopped, without a role", async () => {
  const { node, disk, clock } = await alone();
  await clock.advanceAsync(2_000);
  disk.fault = ({ kind }) => (kind === "sync" ? "DISK_IO" : undefined);
  await node.propose(command).catch(() => {});
  await node.closed;
  await expectSeries(node, {
    raft_running: 0,
    raft_wal_failed: 1,
    raft_is_leader: 0,
    raft_has_leader: 0,
    'raft_role{role="leader"}': 0,
    'raft_proposals_total{outcome="stopped"}': 1,
  });
  expect((await scrape(node)).has("raft_quorum_spare")).toBe(false);
});

test("a scrape changes nothing, and two registries may watch one member", async () => {
  const { node, clock } = await alone();
  await clock.advanceAsync(2_000);
  await node.propose(command);
  const registries = [new Registry(), new Registry()];
  for (const registry of registries) registerRaftNode(registry, node);
  const before = [node.stats(), node.status()];
  const [first, second] = await Promise.all(registries.map((registry) => registry.metrics()));
  expect(first).toBe(second);
  expect([node.stats(), node.status()]).toEqual(before);
  await node.close();
});

test("a registry may show members of several groups; one member not twice", async () => {
  const registry = new Registry();
  const { node } = await alone();
  const orders = registerRaftNode(registry, node, { group: "orders" });
  registerRaftNode(registry, node, { group: "billing" });
  const other = pretended({}, node);
  registerRaftNode(registry, { ...other, id: 2 }, { group: "orders" });
  expect(() => registerRaftNode(registry, node, { group: "orders" })).toThrow(TypeError);
  expect(() => registerRaftNode(registry, node, { group: "" })).toThrow(TypeError);
  const text = await registry.metrics();
  for (const own of [
    'name="orders",member="1"',
    'name="billing",member="1"',
    'name="orders",member="2"',
  ]) {
    expect(text).toContain(`raft_term{${own}} 1`);
  }
  orders[Symbol.dispose]();
  expect(await registry.metrics()).not.toContain('name="orders",member="1"');
  await node.close();
});

test("it takes as many series as it says", async () => {
  const { node, clock } = await alone();
  // A histogram is one series here.
  const shown = async () =>
    [...(await scrape(node)).keys()].filter((key) => !/_bucket|_sum/.test(key)).length;
  const following = await shown();
  await clock.advanceAsync(2_000);
  expect(await shown()).toBe(following + 2);
  await node.addLearner(2, "nowhere");
  expect(await shown()).toBe(following + 2 + 6);
  expect((await scrape(node)).size).toBe(82 + 2 + 6);
  await node.close();
});

test("promtool finds nothing to complain about", async (context) => {
  requireOrSkip(context, promtool());
  const registry = new Registry();
  await registerExample(registry);
  assertPromtoolClean(await registry.metrics());
});

test("the README lists exactly the metrics that are registered", async () => {
  const registry = new Registry();
  await registerExample(registry);
  const readme = readFileSync(path.join(import.meta.dirname, "../README.md"), "utf8");
  expect(documentedMetrics(readme)).toEqual(registeredMetrics(registry));
});

test("to be shown needs no prom-client, not even its types", () => {
  const folder = path.join(import.meta.dirname, "../src/metrics");
  for (const file of readdirSync(folder)) {
    const text = readFileSync(path.join(folder, file), "utf8");
    expect(text, file).not.toMatch(/from "prom-client"/);
  }
});
