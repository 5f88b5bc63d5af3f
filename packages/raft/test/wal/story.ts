// A run of a member's log that meets everything a log meets: batches of several appends, a commit
// index alone, a suffix that is overwritten, votes, records of many sectors and of zeros, snapshots
// of its own and of a leader, compaction, segments that fill up, a restart. And a model of it: the
// steps in their order, of which a prefix must be found at every crash.
import assert from "node:assert/strict";
import { EMPTY_CONF_STATE, type Entry, type HardState, type Snapshot } from "@compendium/raft";
import type { Recovered, WriteAheadLog } from "@compendium/raft/wal";
import type { Disk } from "./disk.ts";

/** The package under test, or a mutant of it. */
export interface Subject {
  readonly WriteAheadLog: typeof WriteAheadLog;
}

export const FOLDER = "member/wal";
export const SEGMENT_BYTES = 4_096;

type Step = { hardState: HardState } | { entry: Entry } | { snapshot: Snapshot };

interface State {
  term: number;
  vote: number;
  commit: number;
  snapshot: Snapshot | undefined;
  entries: Entry[];
}

/** What was asked for, in order, and how much of it is promised. */
export class Model {
  readonly #steps: Step[] = [];
  /** So many steps are promised to be durable. */
  promised = 0;

  /** Notes a request; the result is called when it has resolved. */
  ask(entries: readonly Entry[], hardState?: HardState, snapshot?: Snapshot): () => void {
    if (hardState !== undefined) this.#steps.push({ hardState });
    if (snapshot !== undefined) this.#steps.push({ snapshot });
    for (const entry of entries) this.#steps.push({ entry });
    const upTo = this.#steps.length;
    return () => {
      this.promised = Math.max(this.promised, upTo);
    };
  }

  #after(steps: number): State {
    const state: State = { term: 0, vote: 0, commit: 0, snapshot: undefined, entries: [] };
    for (const step of this.#steps.slice(0, steps)) {
      if ("hardState" in step) Object.assign(state, step.hardState);
      else if ("entry" in step) {
        state.entries = state.entries.filter(({ index }) => index < step.entry.index);
        state.entries.push(step.entry);
      } else {
        const { index, term } = step.snapshot;
        const leadsThere = state.entries.some((each) => each.index === index && each.term === term);
        state.entries = leadsThere ? state.entries.filter((each) => each.index > index) : [];
        state.snapshot = step.snapshot;
      }
    }
    return state;
  }

  /** Throws unless what was found is a prefix of what was asked for, with all that was promised. */
  check({ hardState, entries, snapshot }: Recovered): void {
    const { term, vote, commit } = hardState;
    const last = entries.at(-1)?.index ?? snapshot?.index ?? 0;
    assert.ok(commit <= last, `commit ${commit} is past the last entry, ${last}`);
    assert.ok(commit >= (snapshot?.index ?? 0), "the commit index is below the snapshot");
    const found = JSON.stringify(show({ term, vote, commit: 0, snapshot, entries }));
    const known: string[] = [];
    for (let steps = this.promised; steps <= this.#steps.length; steps++) {
      const state = this.#after(steps);
      // A commit index alone is not promised.
      if (commit > Math.max(state.commit, snapshot?.index ?? 0)) continue;
      known.push(JSON.stringify(show({ ...state, commit: 0 })));
      if (known.at(-1) === found) return;
    }
    assert.fail(`found ${found},\nwhich is none of\n${known.join("\n")}`);
  }
}

function show({ entries, snapshot, ...rest }: State) {
  const list = entries.map((each) => [each.index, each.term, each.type, sum(each.data)]);
  const { index, term, data, confState } = snapshot ?? { index: 0 };
  return { ...rest, snapshot: [index, term, data && sum(data), confState], list };
}

function sum(data: Uint8Array): string {
  let hash = 0;
  for (const byte of data) hash = (Math.imul(hash, 31) + byte + 1) | 0;
  return `${data.length}:${hash}`;
}

export function entry(index: number, term: number, data: Uint8Array = bytes(index, 20)): Entry {
  return { index, term, type: index % 5 === 0 ? "conf-change" : "normal", data };
}

export function entries(first: number, last: number, term: number, size = 20): Entry[] {
  return Array.from({ length: last - first + 1 }, (_, i) =>
    entry(first + i, term, bytes(first + i + term, size)),
  );
}

export function bytes(seed: number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (seed * 37 + i * 11) & 255);
}

export function snapshotAt(index: number, term: number, size = 700): Snapshot {
  const confState = { ...EMPTY_CONF_STATE, voters: [1, 2, 3], learners: [index], autoLeave: true };
  return { index, term, confState, data: bytes(index, size) };
}

export async function open({ WriteAheadLog }: Subject, files: Disk) {
  return await WriteAheadLog.open({ files, folder: FOLDER, segmentBytes: SEGMENT_BYTES });
}

/** The run. Resolves at its end; a crash before leaves it where it is. */
export async function tell(subject: Subject, disk: Disk, model: Model): Promise<void> {
  let { log } = await open(subject, disk);
  const append = async (list: Entry[], hardState?: HardState) => {
    const done = model.ask(list, hardState);
    await log.append(list, hardState);
    done();
  };
  const save = async (snapshot: Snapshot, hardState?: HardState) => {
    const done = model.ask([], hardState, snapshot);
    await log.saveSnapshot(snapshot, hardState);
    done();
  };
  await append([], { term: 1, vote: 2, commit: 0 });
  await append(entries(1, 3, 1), { term: 1, vote: 2, commit: 2 });
  await Promise.all([append(entries(4, 6, 1)), append([]), append(entries(7, 9, 1))]);
  await append([], { term: 1, vote: 2, commit: 6 });
  await append([entry(10, 1, new Uint8Array(1_300)), entry(11, 1, bytes(3, 900))]);
  await append([], { term: 2, vote: 0, commit: 6 });
  await append(entries(8, 12, 2), { term: 2, vote: 3, commit: 10 });
  await save(snapshotAt(10, 2));
  await Promise.all([append(entries(13, 30, 2)), append(entries(31, 50, 2, 100))]);
  await log.compact();
  await append([], { term: 2, vote: 3, commit: 50 });
  await append(entries(45, 60, 3, 200), { term: 3, vote: 0, commit: 44 });
  await log.close();
  ({ log } = await open(subject, disk));
  await append(entries(61, 62, 3), { term: 3, vote: 0, commit: 60 });
  // The entries are on their way before the snapshot is named.
  await Promise.all([append(entries(63, 66, 3)), save(snapshotAt(60, 3))]);
  await log.compact();
  await append(entries(67, 67, 3, 9_000));
  await save(snapshotAt(200, 4), { term: 4, vote: 0, commit: 200 });
  await append(entries(201, 204, 4), { term: 4, vote: 0, commit: 203 });
  await log.compact();
  await append(entries(205, 220, 4, 150), { term: 5, vote: 1, commit: 219 });
  await log.close();
}
