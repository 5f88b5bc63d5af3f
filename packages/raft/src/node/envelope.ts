// What lies in the data of an entry. The core does not look into it; the node must, on every member
// and long after the proposer is gone, so it is part of the replicated state's definition.
//
//   command   1 | proposer | number | bytes
//   session   2 | proposer | number | session | sequence | acknowledged | bytes
//   open      3 | proposer | number | sessions at most
//   bind      4 | member | disk
//
// `proposer` is drawn at random in each life of a node, and counts its proposals in `number`: so a
// node knows its own when they come by, and only those of this life.
//
// A change of the membership carries, in its context, the same two and the addresses of the new:
// proposer | number | count | count × (id | length | address).

import { Cursor, numberBytes, putNumber } from "@compendium/runtime/varint";
import type { Entry } from "../core/entry.ts";
import { RaftError } from "../errors.ts";

/** The command itself, and who proposed it. */
export interface Command {
  readonly kind: "command";
  readonly proposer: number;
  readonly number: number;
  readonly command: Uint8Array;
}

/** A command that is carried out once, however often it was proposed. */
export interface SessionCommand {
  readonly kind: "session";
  readonly proposer: number;
  readonly number: number;
  /** The session, named by the index of the entry that opened it. */
  readonly session: number;
  /** Which of the session's commands, from 1. */
  readonly sequence: number;
  /** The client has the answers to all commands up to that one. */
  readonly acknowledged: number;
  readonly command: Uint8Array;
}

/** Opens a session. The bound is in the entry, so that every member keeps to the same one. */
export interface OpenSession {
  readonly kind: "open";
  readonly proposer: number;
  readonly number: number;
  readonly sessionsMax: number;
}

/** A member's disk is known from now on; another one under its id is not that member. */
export interface BindDisk {
  readonly kind: "bind";
  readonly member: number;
  readonly diskId: number;
}

/** What an entry can hold. */
export type Envelope = Command | SessionCommand | OpenSession | BindDisk;

const COMMAND = 1;
const SESSION = 2;
const OPEN = 3;
const BIND = 4;

const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { fatal: true });
const NOTHING = new Uint8Array(0);

/** The data of an entry. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  switch (envelope.kind) {
    case "command":
      return pack(COMMAND, [envelope.proposer, envelope.number], envelope.command);
    case "session": {
      const { proposer, number, session, sequence, acknowledged, command } = envelope;
      return pack(SESSION, [proposer, number, session, sequence, acknowledged], command);
    }
    case "open":
      return pack(OPEN, [envelope.proposer, envelope.number, envelope.sessionsMax], NOTHING);
    case "bind":
      return pack(BIND, [envelope.member, envelope.diskId], NOTHING);
  }
}

function pack(kind: number, numbers: readonly number[], rest: Uint8Array): Uint8Array {
  let length = 1 + rest.length;
  for (const value of numbers) length += numberBytes(value);
  const data = new Uint8Array(length);
  data[0] = kind;
  let at = 1;
  for (const value of numbers) at = putNumber(data, at, value);
  data.set(rest, at);
  return data;
}

/**
 * What an entry holds; its command is a view of `data`.
 *
 * @throws RaftError `RAFT_MALFORMED`
 */
export function decodeEnvelope(data: Uint8Array): Envelope {
  const cursor = new Cursor(data, 0, data.length);
  const envelope = read(cursor);
  if (envelope !== undefined && cursor.isDone) return envelope;
  throw new RaftError("RAFT_MALFORMED", `an entry of kind ${data[0]} and ${data.length} bytes`);
}

function read(cursor: Cursor): Envelope | undefined {
  switch (cursor.byte()) {
    case COMMAND: {
      const proposer = cursor.number();
      const number = cursor.number();
      return { kind: "command", proposer, number, command: cursor.rest() };
    }
    case SESSION: {
      const proposer = cursor.number();
      const number = cursor.number();
      const session = cursor.number();
      const sequence = cursor.number();
      const acknowledged = cursor.number();
      const command = cursor.rest();
      return { kind: "session", proposer, number, session, sequence, acknowledged, command };
    }
    case OPEN: {
      const proposer = cursor.number();
      const number = cursor.number();
      return { kind: "open", proposer, number, sessionsMax: cursor.number() };
    }
    case BIND:
      return { kind: "bind", member: cursor.number(), diskId: cursor.number() };
    default:
      return undefined;
  }
}

/**
 * Whether an entry is a proposal that every member can read. What another member passes on is
 * looked at before it is appended: once it is in the log, it stops whoever comes to it and cannot
 * read it, which is the whole group, for ever. Changes of the membership are passed on by nobody.
 */
export function isReadable({ type, data }: Entry): boolean {
  if (type !== "normal") return false;
  const cursor = new Cursor(data, 0, data.length);
  return read(cursor) !== undefined && cursor.isDone;
}

/** What a change of the membership says beside its steps. */
export interface ChangeContext {
  readonly proposer: number;
  readonly number: number;
  /** Where the new members are. */
  readonly addresses: ReadonlyMap<number, string>;
}

/** The context of a change of the membership. */
export function encodeChangeContext(context: ChangeContext): Uint8Array {
  const numbers = [context.proposer, context.number, context.addresses.size];
  const parts: Uint8Array[] = [];
  for (const [id, address] of context.addresses) {
    const bytes = utf8.encode(address);
    parts.push(pack(0, [id, bytes.length], bytes).subarray(1));
  }
  const head = pack(0, numbers, NOTHING).subarray(1);
  return join([head, ...parts]);
}

/**
 * Reads what {@link encodeChangeContext} wrote; nothing from the leader's own changes, which have
 * no context.
 *
 * @throws RaftError `RAFT_MALFORMED`
 */
export function decodeChangeContext(context: Uint8Array): ChangeContext | undefined {
  if (context.length === 0) return undefined;
  const cursor = new Cursor(context, 0, context.length);
  const proposer = cursor.number();
  const number = cursor.number();
  const count = cursor.number();
  const addresses = new Map<number, string>();
  for (let read = 0; read < count && !cursor.failed; read++) {
    const id = cursor.number();
    addresses.set(id, decodeText(cursor));
  }
  if (cursor.isDone) return { proposer, number, addresses };
  throw new RaftError("RAFT_MALFORMED", `a change's context of ${context.length} bytes`);
}

/** Reads a text that is preceded by its length in bytes; fails the cursor if it is none. */
export function decodeText(cursor: Cursor): string {
  const bytes = cursor.take(cursor.number());
  try {
    return text.decode(bytes);
  } catch {
    cursor.failed = true;
    return "";
  }
}

/** A text, preceded by its length in bytes. */
export function encodeText(value: string): Uint8Array {
  const bytes = utf8.encode(value);
  return pack(0, [bytes.length], bytes).subarray(1);
}

/** Several numbers, one behind the other. */
export function encodeNumbers(numbers: readonly number[]): Uint8Array {
  return pack(0, numbers, NOTHING).subarray(1);
}

/** All of the parts as one. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
