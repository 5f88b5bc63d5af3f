// The story of a group (crash-story.ts), cut off at one operation of one member's disk: before it,
// in the middle of it, or after it and before anybody heard; by the end of the process, or with the
// power. The member is started again, and the story has to come to the same end.
import assert from "node:assert/strict";
import type { CrashKind, EffectCrashFault } from "@compendium/simulation";
import { type DiskEffect, type Told, tell } from "./crash-story.ts";

/** A way to crash. */
export interface Way {
  readonly moment: EffectCrashFault["moment"];
  readonly how: CrashKind;
}

const MOMENTS = ["before", "during", "after"] as const;

/** All ways to crash. */
export const WAYS: readonly Way[] = MOMENTS.flatMap((moment) => [
  { moment, how: "kill" as const },
  { moment, how: "power" as const },
]);

/**
 * Tells a story with that crash in it; throws where something is not as it must be.
 *
 * @param calm the same story without a crash
 */
export async function crashAt(
  { seed, crashes: usual }: Told,
  { member, effect }: DiskEffect,
  way: Way,
): Promise<void> {
  const node = `n${member}`;
  const fault: EffectCrashFault = { kind: "crashAtEffect", node, effect, ...way, downUs: 60_000 };
  try {
    const { crashes } = await tell(seed, [fault]);
    assert.notDeepEqual(crashes, usual, "the crash did not come");
  } catch (error) {
    const where = `seed ${seed}, member ${member}, effect ${effect}, ${way.moment}, ${way.how}`;
    throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
  }
}
