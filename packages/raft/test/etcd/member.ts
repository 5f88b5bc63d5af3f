// One node of a transcript: the core, its storage, and a state machine that strings together what
// it applies and remembers a snapshot of every step.
import {
  type ConfState,
  decodeConfChange,
  EMPTY_CONF_STATE,
  type Entry,
  type HardState,
  MemoryStorage,
  type Message,
  NO_BYTES,
  type RaftOptions,
  RawNode,
  type Snapshot,
} from "@compendium/raft";
import { type Level, logLines, type Write } from "./log-lines.ts";

export type { Level } from "./log-lines.ts";

export interface Member {
  readonly id: number;
  readonly node: RawNode;
  readonly storage: MemoryStorage;
  readonly isAsync: boolean;
  readonly history: Snapshot[];
  readonly appendWork: Message[];
  readonly applyWork: Message[];
}

export type MemberOptions = Partial<Omit<RaftOptions, "id" | "storage" | "random" | "trace">>;

/** etcd's transcripts tick in these units. */
export const ELECTION_TICKS = 3;
export const HEARTBEAT_TICKS = 1;

// Whoever asks for a snapshot gets the newest state that was applied.
class HistoryStorage extends MemoryStorage {
  readonly #history: readonly Snapshot[];

  constructor(history: readonly Snapshot[]) {
    super();
    this.#history = history;
  }

  override snapshot(): Snapshot {
    return this.#history.at(-1) as Snapshot;
  }
}

/** A node that begins at `index` with that membership; with 0, as one that knows nothing. */
export function newMember(
  id: number,
  options: MemberOptions,
  confState: ConfState,
  index: number,
  write: Write,
): Member {
  const bootstrap: Snapshot =
    index > 0
      ? { index, term: 1, confState, data: NO_BYTES }
      : { index: 0, term: 0, confState: EMPTY_CONF_STATE, data: NO_BYTES };
  const history = [bootstrap];
  const storage = new HistoryStorage(history);
  storage.applySnapshot(bootstrap);
  const node = new RawNode({
    electionTicks: ELECTION_TICKS,
    heartbeatTicks: HEARTBEAT_TICKS,
    appendBytesMax: Number.POSITIVE_INFINITY,
    inflightMessagesMax: Number.MAX_SAFE_INTEGER,
    applied: index,
    ...options,
    id,
    storage,
    random: { below: () => 0 },
    trace: logLines(id, write as (level: Level, line: string) => void),
  });
  const isAsync = options.asyncStorageWrites === true;
  return { id, node, storage, isAsync, history, appendWork: [], applyWork: [] };
}

/** Makes durable what a node asked for. */
export function processAppend(
  { storage }: Member,
  hardState: HardState | undefined,
  entries: readonly Entry[],
  snapshot: Snapshot | undefined,
): void {
  if (hardState !== undefined) storage.setHardState(hardState);
  if (snapshot === undefined) storage.append(entries);
  else if (entries.length > 0) throw new Error("a snapshot and entries at the same time");
  else storage.applySnapshot(snapshot);
}

/** Applies committed entries, changes of the membership among them. */
export function applyConfChangeEntry({ node, history }: Member, entries: readonly Entry[]): void {
  for (const { type, data, index, term } of entries) {
    const before = history.at(-1) as Snapshot;
    let { confState } = before;
    let update = data;
    if (type === "conf-change") {
      const change = decodeConfChange(data);
      confState = node.applyConfChange(change);
      update = NO_BYTES;
    }
    const state = new Uint8Array(before.data.length + update.length);
    state.set(before.data);
    state.set(update, before.data.length);
    history.push({ index, term, confState, data: state });
  }
}
