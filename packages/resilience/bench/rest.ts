// What policies cost while nobody calls, and what calls leave behind.

import { collectGarbage } from "./rounds.ts";
import { makeRow, type Row } from "./row.ts";
import { type Kind, opossum, ours, theirs, type Work } from "./stacks.ts";

const kinds: readonly Kind[] = ["retry", "breaker", "timeout", "bulkhead"];
const succeed: Work = async () => 1;
const IDLE = 10_000;
const CALLS = 10_000_000;

/** CPU time of ten thousand pipelines that rest, after a call each. */
export async function idle(): Promise<Row[]> {
  const figures: [string, number][] = [];
  for (const [name, make] of [
    ["ours", () => ours(kinds, succeed)],
    ["none", () => succeed],
    ["cockatiel", () => theirs(kinds, succeed)],
    ["opossum", () => opossum(succeed)],
  ] as const) {
    const resting = Array.from({ length: IDLE }, make);
    for (const call of resting) await call();
    await sleep(2_000);
    collectGarbage();
    const before = process.cpuUsage();
    await sleep(5_000);
    const { user, system } = process.cpuUsage(before);
    figures.push([name, (user + system) / 1_000 / 5]);
    resting.length = 0;
  }
  return [makeRow("10,000 idle pipelines", "ms CPU a second", figures)];
}

/** The heap before and after ten million calls. */
export async function heap(): Promise<Row[]> {
  const call = ours(kinds, succeed);
  for (let i = 0; i < 100_000; i++) await call();
  const before = await usedBytes();
  for (let i = 0; i < CALLS; i++) await call();
  const after = await usedBytes();
  return [
    makeRow("heap after 10,000,000 calls", "bytes", [
      ["ours", after],
      ["before them", before],
    ]),
  ];
}

async function usedBytes(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    await sleep(50);
    collectGarbage();
  }
  return process.memoryUsage().heapUsed;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
