// What may be asked of a membership (thesis §4; etcd's ConfChangeV2), and how it lies in an entry.
//
// One change of one voter is safe by itself: the majorities before and after it overlap. More than
// one goes through a joint configuration. "auto" picks the simple way where it is enough.
import { NO_BYTES } from "../core/entry.ts";
import { RaftError } from "../errors.ts";

/** One step of a change. */
export interface Change {
  /** What happens to the member; "update" tells the application only. */
  readonly type: "add-voter" | "remove" | "update" | "add-learner";
  /** The member. 0 is nobody, and the step is left out. */
  readonly id: number;
}

/** How a change is carried out. */
export type Transition =
  | "auto" // the simple way if one step is all there is, else joint, left by itself
  | "joint-implicit" // joint, left by itself
  | "joint-explicit"; // joint, until an empty change is proposed

/** A change of the membership. With no changes it leaves a joint configuration. */
export interface ConfChange {
  /** Simple or joint. */
  readonly transition: Transition;
  /** The steps, in order. */
  readonly changes: readonly Change[];
  /** What the application wants to find in the entry, such as a new member's address. */
  readonly context: Uint8Array;
}

/** The change that leaves a joint configuration. */
export const LEAVE_JOINT: ConfChange = Object.freeze({
  transition: "auto",
  changes: [],
  context: NO_BYTES,
});

/** Whether this change goes back to one majority. */
export function leavesJoint({ transition, changes }: ConfChange): boolean {
  return transition === "auto" && changes.length === 0;
}

/** Whether this change needs two majorities on the way. */
export function entersJoint({ transition, changes }: ConfChange): boolean {
  return transition !== "auto" || changes.length > 1;
}

const TRANSITIONS: readonly Transition[] = ["auto", "joint-implicit", "joint-explicit"];
const TYPES: readonly Change["type"][] = ["add-voter", "remove", "update", "add-learner"];
const CHANGES_MAX = 1_024;
const FORMAT = 1;

/**
 * The change as the data of an entry: `1 | transition | n | n × (type, id) | context`, numbers as
 * LEB128. Leaving a joint configuration is no bytes at all, so that no limit can refuse it.
 */
export function encodeConfChange({ transition, changes, context }: ConfChange): Uint8Array {
  if (changes.length > CHANGES_MAX) {
    throw new RangeError(`${changes.length} changes at once; at most ${CHANGES_MAX}`);
  }
  if (transition === "auto" && changes.length === 0 && context.length === 0) return NO_BYTES;
  const bytes: number[] = [FORMAT, TRANSITIONS.indexOf(transition)];
  pushNumber(bytes, changes.length);
  for (const { type, id } of changes) {
    if (!Number.isSafeInteger(id) || id < 0) {
      throw new RangeError(`the id ${id} is no integer in [0, 2^53)`);
    }
    bytes.push(TYPES.indexOf(type));
    pushNumber(bytes, id);
  }
  const data = new Uint8Array(bytes.length + context.length);
  data.set(bytes);
  data.set(context, bytes.length);
  return data;
}

/** Reads what {@link encodeConfChange} wrote; throws a RaftError "RAFT_MALFORMED" on all else. */
export function decodeConfChange(data: Uint8Array): ConfChange {
  if (data.length === 0) return LEAVE_JOINT;
  const reader = { data, at: 0 };
  if (nextByte(reader) !== FORMAT) throw malformed("it begins with another format");
  const transition = TRANSITIONS[nextByte(reader)];
  if (transition === undefined) throw malformed("it has an unknown transition");
  const count = nextNumber(reader);
  if (count > CHANGES_MAX) throw malformed(`it has ${count} changes, more than ${CHANGES_MAX}`);
  const changes: Change[] = [];
  for (let read = 0; read < count; read++) {
    const type = TYPES[nextByte(reader)];
    if (type === undefined) throw malformed("it has a change of an unknown type");
    changes.push({ type, id: nextNumber(reader) });
  }
  return { transition, changes, context: data.slice(reader.at) };
}

interface Reader {
  readonly data: Uint8Array;
  at: number;
}

function pushNumber(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}

function nextByte(reader: Reader): number {
  const byte = reader.data[reader.at++];
  if (byte === undefined) throw malformed("it ends too early");
  return byte;
}

function nextNumber(reader: Reader): number {
  let value = 0;
  for (let scale = 1; ; scale *= 0x80) {
    const byte = nextByte(reader);
    value += (byte % 0x80) * scale;
    if (value > Number.MAX_SAFE_INTEGER) throw malformed("it has a number of 2^53 or more");
    if (byte < 0x80) return value;
  }
}

function malformed(why: string): RaftError {
  return new RaftError("RAFT_MALFORMED", `not a configuration change: ${why}`);
}
