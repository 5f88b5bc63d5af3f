// What a scrape shows of a member, as a map.
import { type MeasurableNode, registerRaftNode } from "@compendium/raft/metrics";
import type { NodeStatus, RaftNode } from "@compendium/raft/node";
import { ManualClock } from "@compendium/runtime";
import { Registry } from "prom-client";
import { expect } from "vitest";
import { openAlone } from "./metrics-example.ts";
import { Disk } from "./wal/disk.ts";

/** The series of a scrape, without the labels that all have. */
export async function scrape(node: MeasurableNode): Promise<Map<string, number>> {
  const registry = new Registry();
  registerRaftNode(registry, node);
  const series = new Map<string, number>();
  const own = `name="raft",member="${node.id}"`;
  for (const line of (await registry.metrics()).split("\n")) {
    const [, name, labels, value] = /^(\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
    if (name === undefined || labels === undefined) continue;
    expect(line).toContain(own);
    const rest = labels.replace(own, "").replace(/^,|,$/g, "");
    series.set(rest === "" ? name : `${name}{${rest}}`, Number(value));
  }
  return series;
}

/** Of a scrape, the series that `expected` names. */
export async function expectSeries(
  node: MeasurableNode,
  expected: Record<string, number>,
): Promise<void> {
  const series = await scrape(node);
  const found = Object.keys(expected).map((key) => [key, series.get(key)]);
  expect(Object.fromEntries(found)).toEqual(expected);
}

/** A member of a group of one, on a disk and a clock that a test holds. */
export async function alone(): Promise<{ node: RaftNode; disk: Disk; clock: ManualClock }> {
  const disk = new Disk();
  const clock = new ManualClock();
  const node = await openAlone(disk, clock);
  return { node, disk, clock };
}

/** A node that says what it is told to. */
export function pretended(status: Partial<NodeStatus>, real: RaftNode): MeasurableNode {
  return {
    id: real.id,
    stats: () => real.stats(),
    status: () => ({ ...real.status(), ...status }),
  };
}
