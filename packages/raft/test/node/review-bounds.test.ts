// Whoever has given up is not kept, also where nothing else happens that would let go of it.
import { expect, test } from "vitest";
import { Proposals } from "../../src/node/proposals.ts";
import { Reads } from "../../src/node/reads.ts";
import { watch } from "./test-group.ts";

const REQUEST = { type: "normal", encode: () => new Uint8Array(9) } as const;

test("proposals that are over are not kept, though nobody takes what is queued", async () => {
  const proposals = new Proposals({ proposalsMax: 10, proposalBytesMax: 1_000 });
  const controller = new AbortController();
  const { signal } = controller;
  const late = watch(proposals.add({ ...REQUEST, deadlineMs: 1, signal: undefined }));
  const cancelled = watch(proposals.add({ ...REQUEST, deadlineMs: 9, signal }));
  controller.abort(new Error("enough"));
  expect(proposals.expire(1)).toBe(1);
  await new Promise((resolve) => setImmediate(resolve));
  expect([late.isSettled, cancelled.isSettled]).toEqual([true, true]);
  expect(proposals.hasQueued).toBe(false);
});

test("reads that are over are not kept, though there is no leader", async () => {
  const reads = new Reads(1, 10);
  for (let nowMs = 0; nowMs < 100; nowMs++) {
    watch(reads.add(nowMs + 3, undefined));
    reads.ask(nowMs, () => "no-leader");
    reads.expire(nowMs);
  }
  expect(reads.size).toBeLessThanOrEqual(3);
  expect(reads.kept).toBe(reads.size);
});

test("reads that are over are not kept, though nothing is applied", async () => {
  const reads = new Reads(1, 10);
  for (let nowMs = 0; nowMs < 100; nowMs++) {
    watch(reads.add(nowMs + 3, undefined));
    let context: Uint8Array = new Uint8Array();
    reads.ask(nowMs, (given) => {
      context = given;
      return undefined;
    });
    reads.confirmed({ index: 7, context });
    reads.expire(nowMs);
    reads.applied(6);
  }
  expect(reads.size).toBeLessThanOrEqual(3);
  expect(reads.kept).toBe(reads.size);
});
