// A real Raft group on the simulated world, in virtual time: members are cut off and crash, one of
// them is asked all along, and each that lives is scraped every minute as a process of its own.
import path from "node:path";
import { pathToFileURL } from "node:url";
import { type MeasurableNode, registerRaftNode } from "@compendium/raft/metrics";
import { Registry } from "prom-client";

/** A member of a group under trial. */
export interface Member {
  readonly id: number;
  readonly node: MeasurableNode & {
    propose(command: Uint8Array): Promise<unknown>;
    read(): Promise<unknown>;
  };
}

/** What is used of packages/raft/test/node/test-group.ts. */
export interface Group {
  readonly up: readonly Member[];
  member(id: number): Member;
  leader(): Promise<Member>;
  run(ms: number): Promise<void>;
  cut(...members: readonly Member[]): void;
  mend(...members: readonly Member[]): void;
  crash(member: Member): void;
  boot(member: Member): Promise<void>;
}

interface TestGroup {
  readonly TestGroup: { lead(options: object): Promise<[Group, Member]> };
}

/** What happens to a group. */
export interface RaftTrial {
  readonly minutes: number;
  /** At the beginning of each minute; member 1 is the one that is asked. */
  each(group: Group, minute: number): void | Promise<void>;
}

const ASKED_EVERY_MS = 2_000;
const file = path.resolve(import.meta.dirname, "../../../packages/raft/test/node/test-group.ts");

/** Runs the trial with the package's defaults; returns series as `assertFired` takes them. */
export async function scrapedGroup({ minutes, each }: RaftTrial): Promise<Map<string, string[]>> {
  const { TestGroup } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as TestGroup;
  const times = { electionTimeoutMs: 1_000, heartbeatMs: 100, timeoutMs: 5_000 };
  const options = { ...times, segmentBytes: 1_048_576 };
  const [group] = await TestGroup.lead({ members: 3, options });
  const series = new Map<string, string[]>();
  for (let minute = 0; minute <= minutes; minute++) {
    await scrape(group.up, series, minute);
    await each(group, minute);
    for (let ms = 0; ms < 60_000; ms += ASKED_EVERY_MS) {
      const { node } = group.member(1);
      node.propose(new Uint8Array(10)).catch(() => {});
      node.read().catch(() => {});
      await group.run(ASKED_EVERY_MS);
    }
  }
  return series;
}

async function scrape(
  members: readonly Member[],
  series: Map<string, string[]>,
  minute: number,
): Promise<void> {
  for (const { id, node } of members) {
    const registry = new Registry();
    registerRaftNode(registry, node, { group: "orders" });
    for (const line of (await registry.metrics()).split("\n")) {
      const [, name, labels, value = ""] = /^(\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
      if (name === undefined) continue;
      const key = `${name}{${labels},job="kv",instance="n${id}"}`;
      const values = series.get(key) ?? [];
      series.set(key, values);
      fill(values, minute);
      values.push(value);
    }
  }
  for (const values of series.values()) fill(values, minute + 1);
}

// promtool's word for a sample that is not there.
function fill(values: string[], length: number): void {
  while (values.length < length) values.push("_");
}
