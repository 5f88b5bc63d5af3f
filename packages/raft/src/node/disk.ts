// What a member finds on its disk, or puts there when it has none: its identity, and its log.
//
//   folder/identity     which member this is, and the number of this disk
//   folder/log/…        the write-ahead log
//
// The number is drawn when the disk is first used, and lost with it. A member that comes back
// without its disk has forgotten its votes and what it has acknowledged; counted in a majority, it
// can undo what was committed. The group remembers the numbers of its members' disks (envelope.ts,
// "bind"), so it is told apart, refused, and has to join as somebody new.
//
// The log is there before the number is. So a number without a log has lost it, and a member that
// began anew under that number would be taken for the one it was.
//
// The first members of a group begin with the same snapshot at index 1 of term 1, which holds the
// membership: so a group has no first entry that only some have, and who joins gets it by snapshot.
import type { Files, Random } from "@compendium/runtime";
import { type ConfState, EMPTY_CONF_STATE } from "../confchange/conf-state.ts";
import type { Entry } from "../core/entry.ts";
import type { HardState, Snapshot } from "../core/message.ts";
import { WriteAheadLog } from "../wal/write-ahead-log.ts";
import { RaftNodeError } from "./errors.ts";
import type { NodeSettings } from "./options.ts";
import type { ReplicatedState } from "./replicated-state.ts";
import { NodeStorage } from "./storage.ts";

/** A member's disk, opened. */
export interface MemberDisk {
  readonly wal: WriteAheadLog;
  readonly storage: NodeStorage;
  readonly diskId: number;
}

/** What a disk needs to know of its member. */
export type DiskSettings = Pick<
  NodeSettings,
  "files" | "folder" | "id" | "random" | "segmentBytes" | "clock" | "bootstrap"
>;

/** Opens a member's disk; a new one is prepared for its first use. */
export async function openDisk(
  settings: DiskSettings,
  state: ReplicatedState,
  wantSnapshot: () => void,
): Promise<MemberDisk> {
  const { files, folder, id, random, segmentBytes, clock, bootstrap } = settings;
  await files.makeFolder(folder);
  const known = await identity(files, folder, id);
  const walOptions = { files, folder: `${folder}/log`, segmentBytes, clock };
  const { log: wal, hardState, entries, snapshot } = await WriteAheadLog.open(walOptions);
  try {
    const isNew = snapshot === undefined && hardState.term === 0;
    if (known === undefined && !isNew) {
      const text = `"${folder}" holds a log, but not whose: its file "identity" is missing`;
      throw new RaftNodeError("WRONG_DISK", text, "not-executed");
    }
    const diskId = known ?? (await identify(files, folder, id, random));
    const storage = new NodeStorage(wantSnapshot);
    if (isNew && bootstrap.size > 0) {
      const first = firstSnapshot(bootstrap, state);
      const began = { term: 1, vote: 0, commit: 1 };
      await wal.saveSnapshot(first, began);
      load(storage, state, { snapshot: first, hardState: began, entries: [] });
    } else {
      load(storage, state, { snapshot, hardState, entries });
    }
    return { wal, storage, diskId };
  } catch (error) {
    await wal.close();
    throw error;
  }
}

function load(
  storage: NodeStorage,
  state: ReplicatedState,
  found: { snapshot: Snapshot | undefined; hardState: HardState; entries: readonly Entry[] },
): void {
  const { snapshot, hardState, entries } = found;
  if (snapshot !== undefined) {
    storage.applySnapshot(snapshot);
    state.restore(snapshot.data, snapshot);
  }
  storage.setHardState(hardState);
  storage.append(entries);
}

function firstSnapshot(bootstrap: ReadonlyMap<number, string>, state: ReplicatedState): Snapshot {
  const voters = [...bootstrap.keys()].sort((a, b) => a - b);
  for (const id of voters) {
    state.members.set(id, { address: bootstrap.get(id) as string, diskId: 0 });
  }
  const confState: ConfState = { ...EMPTY_CONF_STATE, voters };
  return { index: 1, term: 1, confState, data: state.encode() };
}

const IDENTITY = /^compendium-raft 1 member (\d+) disk (\d+)\n$/;
const DISK_IDS = 2 ** 48;

/** The number of this disk; undefined if it has none yet. */
async function identity(files: Files, folder: string, id: number): Promise<number | undefined> {
  const names = await files.list(folder);
  if (!names.includes("identity")) return undefined;
  const diskId = await readIdentity(files, folder, id);
  const log = names.includes("log") ? await files.list(`${folder}/log`) : [];
  if (!log.some((name) => name.endsWith(".wal"))) {
    const text = `"${folder}" has lost the log of member ${id}, and what that has promised`;
    throw new RaftNodeError("WRONG_DISK", `${text}; join under a new id`, "not-executed");
  }
  // An earlier life may have been killed between the rename and this.
  await syncNames(files, folder);
  return diskId;
}

/** Draws the number of a disk, and puts it there. */
async function identify(files: Files, folder: string, id: number, random: Random): Promise<number> {
  const diskId = 1 + random.below(DISK_IDS - 1);
  const line = new TextEncoder().encode(`compendium-raft 1 member ${id} disk ${diskId}\n`);
  const file = await files.open(`${folder}/identity.tmp`, { create: "ifMissing" });
  try {
    await file.truncate(0);
    await file.write(line, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(`${folder}/identity.tmp`, `${folder}/identity`);
  await syncNames(files, folder);
  return diskId;
}

// The folder's own name, and those above it, are to survive as well.
async function syncNames(files: Files, folder: string): Promise<void> {
  const parents = folder.split("/").map((_, depth, parts) => parts.slice(0, depth).join("/"));
  for (const each of [...parents, folder]) await files.syncFolder(each);
}

async function readIdentity(files: Files, folder: string, id: number): Promise<number> {
  const file = await files.open(`${folder}/identity`);
  try {
    const bytes = new Uint8Array(Math.min(256, await file.size()));
    await file.read(bytes, 0);
    const [, member, disk] = IDENTITY.exec(new TextDecoder().decode(bytes)) ?? [];
    if (Number(member) === id && Number(disk) > 0) return Number(disk);
    const whose = member === undefined ? "an unknown member" : `member ${member}`;
    const text = `"${folder}" is the disk of ${whose}, not of member ${id}`;
    throw new RaftNodeError("WRONG_DISK", text, "not-executed");
  } finally {
    await file.close();
  }
}
