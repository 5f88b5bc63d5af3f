// The last resort, when a majority of a group's disks is gone for ever: one member that is left
// begins a new group, alone, with all that its log holds. What only the lost majority had is gone,
// and so is the promise that nothing acknowledged is ever lost; hence a person decides, by hand, on
// a node that is stopped.
//
// All entries are kept, also those that are not known to be committed: they may have been
// acknowledged by others, and keeping too much does no harm that losing would not. They become one
// snapshot, in a term and at an index of its own, whose only voter is this member. (HashiCorp's
// Raft recovers the same way.)
//
// The new group needs a new name: members of the old one that turn up again must not find it. And
// it begins far beyond the old one: what the lost majority may have put at an index, a session's
// name or a fencing token, is not given to anybody again (as by etcd's --bump-revision).
import { systemClock, systemRandom } from "@compendium/runtime";
import { EMPTY_CONF_STATE } from "../confchange/conf-state.ts";
import type { Snapshot } from "../core/message.ts";
import { openDisk } from "./disk.ts";
import { checkMember, type RaftNodeOptions } from "./options.ts";
import { ReplicatedState } from "./replicated-state.ts";

const SEGMENT_BYTES = 16 * 2 ** 20;
const INDEX_GAP = 2 ** 20;
const NOBODY: ReadonlyMap<number, string> = new Map();

/** What is needed to begin a group anew from one disk. */
export type ForceNewGroupOptions = Pick<
  RaftNodeOptions,
  "id" | "machine" | "files" | "folder" | "segmentBytes"
> & {
  /** Where this member will be reached. */
  readonly address: string;
};

/**
 * Makes a stopped member the only one of a new group, which keeps the state, the sessions and the
 * ids that were removed. Resolves to the index that the new group begins at; the node is opened as
 * always afterwards, on a network with a new group's name, and others join it as new members.
 *
 * @throws RangeError for an option out of range; WalError; RaftNodeError `WRONG_DISK`; RangeError
 * where there is nothing to keep
 */
export async function forceNewGroup(options: ForceNewGroupOptions): Promise<number> {
  const { id, machine, files, folder, address, segmentBytes = SEGMENT_BYTES } = options;
  checkMember(id, address);
  const names = await files.list(folder);
  if (!names.includes("log")) {
    throw new RangeError(`"${folder}" holds no log: there is nothing to begin anew from`);
  }
  const world = { files, clock: systemClock, random: systemRandom };
  const settings = { id, folder, segmentBytes, bootstrap: NOBODY, ...world };
  const state = new ReplicatedState(machine, EMPTY_CONF_STATE);
  const { wal, storage } = await openDisk(settings, state, () => {});
  try {
    const last = storage.lastIndex();
    if (last === 0) {
      throw new RangeError(`the log in "${folder}" is empty: there is nothing to begin anew from`);
    }
    const entries = storage.entries(storage.firstIndex(), last + 1, Number.POSITIVE_INFINITY);
    // The membership of before is of no interest: it ends here.
    for (const entry of entries ?? []) state.apply(entry, () => state.confState);
    for (const member of [...state.members.keys()]) {
      if (member === id) continue;
      state.members.delete(member);
      state.removed.add(member);
    }
    const { hardState } = storage.initialState();
    // Also where somebody had begun to remove it.
    state.removed.delete(id);
    state.members.set(id, { address, diskId: state.members.get(id)?.diskId ?? 0 });
    const term = hardState.term + 1;
    const confState = { ...EMPTY_CONF_STATE, voters: [id] };
    const snapshot: Snapshot = { index: last + INDEX_GAP, term, confState, data: state.encode() };
    await wal.saveSnapshot(snapshot, { term, vote: 0, commit: snapshot.index });
    return snapshot.index;
  } finally {
    await wal.close();
  }
}
