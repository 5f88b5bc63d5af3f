// The scripted run, cut off at one operation of the disk, then opened again, cut off in that too,
// and opened once more: every time a prefix of what was asked for, with all that was promised.
import assert from "node:assert/strict";
import { SeededRandom } from "@compendium/runtime";
import { Disk } from "./disk.ts";
import { entry, Model, open, type Subject, tell } from "./story.ts";

/** What survives of the unsynced: nothing, all of it, or about half, by that seed. */
export type Survival = "nothing" | "everything" | number;

/** How many operations the whole run asks of the disk. */
export async function countOperations(subject: Subject): Promise<number> {
  const disk = new Disk();
  await tell(subject, disk, new Model());
  return disk.count;
}

/** Crashes at that operation, then at those of the recovery. Returns how often it was opened. */
export async function crash(
  subject: Subject,
  at: number,
  survival: Survival,
  recoveryAt: (count: number) => readonly number[],
): Promise<number> {
  const keeps = keeper(survival, at);
  const model = new Model();
  const disk = new Disk();
  disk.crashAt = at;
  await Promise.race([tell(subject, disk, model), disk.crashed]);
  const found = disk.afterCrash(keeps);
  const whole = found.clone();
  const operations = recoveryAt(await goOn(subject, whole, model));
  for (const again of operations) {
    const second = found.clone();
    second.crashAt = again;
    await Promise.race([open(subject, second), second.crashed]);
    await goOn(subject, second.afterCrash(keeps), model);
  }
  return 1 + operations.length;
}

// Opens, looks, writes one more entry, and finds all of that again after the power is lost. Returns
// how many operations the opening took.
async function goOn(subject: Subject, disk: Disk, model: Model): Promise<number> {
  const opened = await open(subject, disk);
  model.check(opened);
  const operations = disk.count;
  const { log, entries, snapshot, hardState } = opened;
  const last = entries.at(-1)?.index ?? snapshot?.index ?? 0;
  const term = Math.max(hardState.term, entries.at(-1)?.term ?? snapshot?.term ?? 0, 1);
  // What was found may be answered for from now on.
  const replayed = await open(
    subject,
    disk.afterCrash(() => false),
  );
  assert.deepEqual(
    [replayed.hardState, replayed.entries, replayed.snapshot],
    [hardState, entries, snapshot],
    "what was found when the log was opened is lost with the power",
  );
  await log.append([entry(last + 1, term)]);
  const next = await open(
    subject,
    disk.afterCrash(() => false),
  );
  assert.deepEqual(next.entries, [...entries, entry(last + 1, term)]);
  assert.deepEqual(next.snapshot, snapshot);
  return operations;
}

function keeper(survival: Survival, salt: number): () => boolean {
  if (typeof survival === "string") return () => survival === "everything";
  const random = new SeededRandom(survival * 1_000 + salt);
  return () => random.below(2) === 1;
}
