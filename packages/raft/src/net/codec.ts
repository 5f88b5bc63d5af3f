// Messages between members as bytes.
//
//   frame    1 | message | message | … to the end
//   message  type | fields | to | from, then of the following what `fields` names, in this order:
//            term | index | logTerm | commit | commitTerm | rejectHint | readRound
//            | length, context | count, entries | snapshot
//   entry    length of the data × 4 + (1: a change of the membership) + (2: the term rises)
//            [| by how much] | data
//   snapshot index | term | auto-leave | 4 × (count | ids) | length | data
//
// Numbers are LEB128. A heartbeat is 8 bytes, and an entry of 100 bytes costs 2 more: the entries
// of an append stand one behind the other, and their terms never fall, so neither is said; those of
// a proposal have neither yet.
//
// Reading trusts nothing. Counts and lengths are held against what is there before anything is
// allocated, what a type does not have is refused, and so is what the core would take for a log
// that contradicts itself. What is refused is refused with the whole frame.
//
// Left out: types that a node only tells itself, and its storage; they are refused both ways.

import { Cursor, numberBytes, putNumber } from "@compendium/runtime/varint";
import type { ConfState } from "../confchange/conf-state.ts";
import { type Entry, NO_BYTES } from "../core/entry.ts";
import { type Message, type MessageType, message, type Snapshot } from "../core/message.ts";
import { RaftError } from "../errors.ts";

/** The version of all of this; another one is refused. */
export const FORMAT = 1;
/** How many messages a frame has at most: each costs more in memory than on the wire. */
export const MESSAGES_MAX = 4_096;
/** How many entries a frame has at most, for the same reason: 4 MiB as limits count entries. */
export const ENTRIES_MAX: number = 2 ** 18;
/** How many members each list of a snapshot's membership has at most. */
const MEMBERS_MAX = 65_536;

// Where a type stands is its number on the wire: a new one goes to the end.
const TYPES: readonly MessageType[] = [
  "append",
  "append-response",
  "heartbeat",
  "heartbeat-response",
  "vote",
  "vote-response",
  "pre-vote",
  "pre-vote-response",
  "snapshot",
  "propose",
  "read-index",
  "read-index-response",
  "transfer-leader",
  "timeout-now",
];
const NUMBERS: ReadonlyMap<MessageType, number> = new Map(TYPES.map((type, at) => [type, at]));

// Which fields follow. Those that most messages have fit into one byte.
const TERM = 1;
const INDEX = 2;
const LOG_TERM = 4;
const COMMIT = 8;
const ENTRIES = 16;
const READ_ROUND = 32;
const REJECT = 64;
const REJECT_HINT = 128;
const COMMIT_TERM = 256;
const TRANSFER = 512;
const CONTEXT = 1_024;
const SNAPSHOT = 2_048;
const FIELDS_END = 4_096;

const CHANGE = 1;
const TERM_RISES = 2;

/** Whether entries of that type have their places in the log. */
const isAppend = (type: MessageType): boolean => type === "append";

/**
 * The size of a message in a frame, in bytes.
 *
 * @throws RaftError `RAFT_MISUSE` when it is none that goes to another member
 */
export function messageBytes(message: Message): number {
  if (!NUMBERS.has(message.type)) throw misuse(message, "it never leaves its node");
  const { term, index, logTerm, commit, commitTerm, rejectHint, readRound } = message;
  let bytes = 1 + numberBytes(fieldsOf(message));
  bytes += numberBytes(message.to) + numberBytes(message.from);
  if (term > 0) bytes += numberBytes(term);
  if (index > 0) bytes += numberBytes(index);
  if (logTerm > 0) bytes += numberBytes(logTerm);
  if (commit > 0) bytes += numberBytes(commit);
  if (commitTerm > 0) bytes += numberBytes(commitTerm);
  if (rejectHint > 0) bytes += numberBytes(rejectHint);
  if (readRound > 0) bytes += numberBytes(readRound);
  const { context, entries, snapshot } = message;
  if (context !== undefined) bytes += numberBytes(context.length) + context.length;
  if (entries.length > 0) bytes += numberBytes(entries.length) + entryListBytes(message);
  if (snapshot !== undefined) bytes += snapshotBytes(snapshot);
  return bytes;
}

function fieldsOf(message: Message): number {
  let fields = 0;
  if (message.term > 0) fields |= TERM;
  if (message.index > 0) fields |= INDEX;
  if (message.logTerm > 0) fields |= LOG_TERM;
  if (message.commit > 0) fields |= COMMIT;
  if (message.entries.length > 0) fields |= ENTRIES;
  if (message.readRound > 0) fields |= READ_ROUND;
  if (message.reject) fields |= REJECT;
  if (message.rejectHint > 0) fields |= REJECT_HINT;
  if (message.commitTerm > 0) fields |= COMMIT_TERM;
  if (message.transfer) fields |= TRANSFER;
  if (message.context !== undefined) fields |= CONTEXT;
  if (message.snapshot !== undefined) fields |= SNAPSHOT;
  return fields;
}

// What is not said must follow: else the other side would read another log than this one.
function entryListBytes(message: Message): number {
  const { entries, index, logTerm } = message;
  if (entries.length > ENTRIES_MAX) throw misuse(message, `it has ${entries.length} entries`);
  const inLog = isAppend(message.type);
  let bytes = 0;
  let previous = inLog ? logTerm : 0;
  for (let at = 0; at < entries.length; at++) {
    const entry = entries[at] as Entry;
    const rise = entry.term - previous;
    if (entry.index !== (inLog ? index + 1 + at : 0) || rise < 0 || (rise > 0 && !inLog)) {
      throw misuse(message, `entry ${at} of ${entries.length} is out of place`);
    }
    const { length } = entry.data;
    bytes += numberBytes(length * 4) + length;
    if (rise > 0) bytes += numberBytes(rise);
    previous = entry.term;
  }
  return bytes;
}

/** Writes a message, of {@link messageBytes} bytes, and returns where the next one goes. */
export function putMessage(into: Uint8Array, from: number, message: Message): number {
  const fields = fieldsOf(message);
  into[from] = NUMBERS.get(message.type) as number;
  let at = putNumber(into, from + 1, fields);
  at = putNumber(into, at, message.to);
  at = putNumber(into, at, message.from);
  if (fields & TERM) at = putNumber(into, at, message.term);
  if (fields & INDEX) at = putNumber(into, at, message.index);
  if (fields & LOG_TERM) at = putNumber(into, at, message.logTerm);
  if (fields & COMMIT) at = putNumber(into, at, message.commit);
  if (fields & COMMIT_TERM) at = putNumber(into, at, message.commitTerm);
  if (fields & REJECT_HINT) at = putNumber(into, at, message.rejectHint);
  if (fields & READ_ROUND) at = putNumber(into, at, message.readRound);
  if (message.context !== undefined) at = putBytes(into, at, message.context);
  if (fields & ENTRIES) at = putEntries(into, at, message);
  if (message.snapshot !== undefined) at = putSnapshot(into, at, message.snapshot);
  return at;
}

function putEntries(into: Uint8Array, from: number, { type, logTerm, entries }: Message): number {
  let at = putNumber(into, from, entries.length);
  let previous = isAppend(type) ? logTerm : 0;
  for (const { term, type: kind, data } of entries) {
    const flags = (kind === "normal" ? 0 : CHANGE) + (term > previous ? TERM_RISES : 0);
    at = putNumber(into, at, data.length * 4 + flags);
    if (term > previous) at = putNumber(into, at, term - previous);
    at = copyInto(into, at, data);
    previous = term;
  }
  return at;
}

function putBytes(into: Uint8Array, at: number, bytes: Uint8Array): number {
  return copyInto(into, putNumber(into, at, bytes.length), bytes);
}

function copyInto(into: Uint8Array, at: number, bytes: Uint8Array): number {
  const { length } = bytes;
  // A call of `set` costs more than copying what a small command has.
  if (length > 64) into.set(bytes, at);
  else for (let i = 0; i < length; i++) into[at + i] = bytes[i] as number;
  return at + length;
}

const listsOf = (state: ConfState): readonly (readonly number[])[] => {
  return [state.voters, state.votersOutgoing, state.learners, state.learnersNext];
};

function snapshotBytes({ index, term, confState, data }: Snapshot): number {
  let bytes = numberBytes(index) + numberBytes(term) + 1;
  for (const list of listsOf(confState)) {
    if (list.length > MEMBERS_MAX) {
      throw new RaftError("RAFT_MISUSE", `a list of ${list.length} members is too long to send`);
    }
    bytes += numberBytes(list.length);
    for (const id of list) bytes += numberBytes(id);
  }
  return bytes + numberBytes(data.length) + data.length;
}

function putSnapshot(into: Uint8Array, from: number, snapshot: Snapshot): number {
  const { index, term, confState, data } = snapshot;
  let at = putNumber(into, putNumber(into, from, index), term);
  into[at++] = confState.autoLeave ? 1 : 0;
  for (const list of listsOf(confState)) {
    at = putNumber(into, at, list.length);
    for (const id of list) at = putNumber(into, at, id);
  }
  return putBytes(into, at, data);
}

/**
 * Reads one message. The data of its entries and of its snapshot are views of the cursor's bytes.
 * Undefined where they are no message; what the cursor has read then means nothing.
 *
 * @param entriesMax how many entries are accepted
 */
export function takeMessage(cursor: Cursor, entriesMax: number = ENTRIES_MAX): Message | undefined {
  const type = TYPES[cursor.byte()];
  const fields = cursor.number();
  if (type === undefined || fields >= FIELDS_END) return undefined;
  const taken = message(type, cursor.number(), cursor.number(), 0);
  if (fields & TERM) taken.term = cursor.number();
  if (fields & INDEX) taken.index = cursor.number();
  if (fields & LOG_TERM) taken.logTerm = cursor.number();
  if (fields & COMMIT) taken.commit = cursor.number();
  if (fields & COMMIT_TERM) taken.commitTerm = cursor.number();
  if (fields & REJECT_HINT) taken.rejectHint = cursor.number();
  if (fields & READ_ROUND) taken.readRound = cursor.number();
  taken.reject = (fields & REJECT) !== 0;
  taken.transfer = (fields & TRANSFER) !== 0;
  // A reader keeps it for as long as its read waits, and would keep the frame with it.
  if (fields & CONTEXT) taken.context = cursor.take(cursor.number()).slice();
  if (fields & ENTRIES) taken.entries = takeEntries(cursor, taken, entriesMax);
  if (fields & SNAPSHOT) taken.snapshot = takeSnapshot(cursor);
  return cursor.failed || !fits(taken) ? undefined : taken;
}

// The core takes for granted that a proposal proposes something, and a snapshot brings one.
function fits({ type, entries, snapshot }: Message): boolean {
  if ((type === "snapshot") !== (snapshot !== undefined)) return false;
  return entries.length > 0 ? isAppend(type) || type === "propose" : type !== "propose";
}

function takeEntries(cursor: Cursor, { type, index, logTerm }: Message, most: number): Entry[] {
  const count = cursor.number();
  const entries: Entry[] = [];
  const inLog = isAppend(type);
  // Each has at least one byte, and a place in the log.
  const isPossible = count > 0 && count <= most && count <= cursor.end - cursor.at;
  if (!isPossible || (inLog && index + count > Number.MAX_SAFE_INTEGER)) {
    cursor.failed = true;
    return entries;
  }
  let term = inLog ? logTerm : 0;
  for (let at = 1; at <= count && !cursor.failed; at++) {
    const head = cursor.number();
    const flags = head % 4;
    if (flags & TERM_RISES) {
      term += cursor.number();
      if (!inLog || term > Number.MAX_SAFE_INTEGER) cursor.failed = true;
    }
    const length = (head - flags) / 4;
    entries.push({
      term,
      index: inLog ? index + at : 0,
      type: flags & CHANGE ? "conf-change" : "normal",
      data: length === 0 ? NO_BYTES : cursor.take(length),
    });
  }
  return entries;
}

function takeSnapshot(cursor: Cursor): Snapshot {
  const index = cursor.number();
  const term = cursor.number();
  const autoLeave = cursor.byte();
  if (autoLeave > 1) cursor.failed = true;
  const confState = {
    voters: takeIds(cursor),
    votersOutgoing: takeIds(cursor),
    learners: takeIds(cursor),
    learnersNext: takeIds(cursor),
    autoLeave: autoLeave === 1,
  };
  return { index, term, confState, data: cursor.take(cursor.number()) };
}

function takeIds(cursor: Cursor): number[] {
  const count = cursor.number();
  if (count > MEMBERS_MAX) cursor.failed = true;
  const ids: number[] = [];
  while (ids.length < count && !cursor.failed) ids.push(cursor.number());
  return ids;
}

/**
 * A frame of these messages, behind so many bytes that the caller fills.
 *
 * @throws RaftError `RAFT_MISUSE` when one of them is none that goes to another member
 */
export function encodeMessages(messages: readonly Message[], head = 0): Uint8Array {
  let bytes = head + 1;
  for (const each of messages) bytes += messageBytes(each);
  return packMessages(messages, bytes, head);
}

/** {@link encodeMessages}, for whoever has added up the sizes: `bytes` is that of the frame. */
export function packMessages(
  messages: readonly Message[],
  bytes: number,
  head: number,
): Uint8Array {
  const frame = new Uint8Array(bytes);
  frame[head] = FORMAT;
  let at = head + 1;
  for (const each of messages) at = putMessage(frame, at, each);
  return frame;
}

/**
 * The messages of a frame that begins at `from`. The data of entries are views of the frame, so
 * that nothing is copied; where they would keep more than twice their size alive, they are copies.
 *
 * @throws RaftError `RAFT_MALFORMED` when a part of it is no message; none of it counts then
 */
export function decodeMessages(frame: Uint8Array, from = 0): Message[] {
  const cursor = new Cursor(frame, from, frame.length);
  const format = cursor.byte();
  if (format !== FORMAT) throw malformed(`its format is ${format}, not ${FORMAT}`);
  const messages: Message[] = [];
  let [entries, dataBytes] = [0, 0];
  while (cursor.at < cursor.end) {
    if (messages.length === MESSAGES_MAX) throw malformed(`more than ${MESSAGES_MAX} messages`);
    const begin = cursor.at;
    const taken = takeMessage(cursor, ENTRIES_MAX - entries);
    if (taken === undefined) throw malformed(`at ${begin} of ${frame.length} is no message`);
    messages.push(taken);
    entries += taken.entries.length;
    for (const { data } of taken.entries) dataBytes += data.length;
  }
  if (entries > 0 && dataBytes * 2 < frame.length) detach(messages);
  return messages;
}

function detach(messages: readonly Message[]): void {
  for (const each of messages) {
    if (each.entries.length === 0) continue;
    each.entries = each.entries.map((entry) => ({ ...entry, data: entry.data.slice() }));
  }
}

/** A single message as a frame; see {@link encodeMessages}. */
export function encodeMessage(message: Message): Uint8Array {
  return encodeMessages([message]);
}

/** The only message of a frame; see {@link decodeMessages}. */
export function decodeMessage(frame: Uint8Array): Message {
  const [first, ...others] = decodeMessages(frame);
  if (first !== undefined && others.length === 0) return first;
  throw malformed(first === undefined ? "it is empty" : "it has more than one message");
}

/** Says that bytes from a peer are not what they should be. */
export function malformed(why: string): RaftError {
  return new RaftError("RAFT_MALFORMED", `not a frame of messages: ${why}`);
}

function misuse({ type, to }: Message, why: string): RaftError {
  return new RaftError("RAFT_MISUSE", `"${type}" to ${to} cannot be sent: ${why}`);
}
