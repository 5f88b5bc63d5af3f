import * as original from "@compendium/runtime/node";
import { describe, expect, type TestContext, test } from "vitest";
import { live } from "./life.ts";
import { type Behaviour, type Subject, WatchedDisk } from "./watched-disk.ts";

const SEEDS = 100;
const RECORD = new Uint8Array(100).fill(7);

function onlyLinux(context: TestContext): void {
  if (process.platform !== "linux") context.skip("only Linux has O_DSYNC by way of /proc");
}

async function placesOf(
  { NodeFiles }: Subject,
  behaviour: Behaviour,
  options: { quickSyncMs?: number; bytes?: Uint8Array; times: number; pauseMs: number },
): Promise<{ inline: number; longestMs: number }> {
  using disk = await WatchedDisk.make(() => behaviour);
  const { quickSyncMs = 1, bytes = RECORD, times, pauseMs } = options;
  const files = new NodeFiles(disk.root, { clock: disk.clock, quickSyncMs });
  await using file = await files.open("log", { create: "always" });
  for (let at = 0; at < times; at++) {
    await file.writeThrough(bytes, at * bytes.length);
    disk.nowMs += pauseMs;
  }
  const { writes, longestMs } = files.inlineStats();
  return { inline: writes, longestMs };
}

describe("a writeThrough on the calling thread", () => {
  test("what a hundred logs went through", async (context) => {
    onlyLinux(context);
    const sum = { inline: 0, apart: 0 };
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { inline, apart } = await live(original, seed);
      sum.inline += inline;
      sum.apart += apart;
    }
    // Both ways were taken, or it proves nothing.
    expect(Math.min(sum.inline, sum.apart)).toBeGreaterThan(1_000);
  });

  test("a quick disk writes every record so", async (context) => {
    onlyLinux(context);
    const times = 200;
    const { inline, longestMs } = await placesOf(original, { tookMs: 0.5 }, { times, pauseMs: 0 });
    expect(inline).toBe(times);
    expect(longestMs).toBeCloseTo(0.5);
  });

  test("a slow disk holds up the loop for a tenth of the time, and 20 ms", async (context) => {
    onlyLinux(context);
    // In 10 s: 1 s and 20 ms.
    const { inline } = await placesOf(original, { tookMs: 10 }, { times: 500, pauseMs: 10 });
    expect(inline).toBeLessThanOrEqual(103);
    expect(inline).toBeGreaterThanOrEqual(50);
  });

  test.each([
    ["above 4 KiB", { bytes: new Uint8Array(4_097) }],
    ["with quickSyncMs at 0", { quickSyncMs: 0 }],
  ])("none is %s", async (_when, options) => {
    const each = { times: 20, pauseMs: 1, ...options };
    expect((await placesOf(original, { tookMs: 0.1 }, each)).inline).toBe(0);
  });
});
