// What two members say to each other before anything else: who speaks, to whom, of which group, by
// which version, and what the link is for. The dialer speaks first; the other answers in kind, or
// with a reason why not. An address is not an identity: it may lead to a member of another group,
// or to another member, and each side finds that out here.
//
//   hello    1 | version | group | from | to | disk | purpose | life | link | gone
//   refusal  2 | kind | reason
//
// `life` is drawn by each side when it starts, `link` by the dialer for each link; `gone` is the
// last link to that member which the dialer has had, and has no more. By these three, a side that
// has a link already knows whether the new one was dialed instead of it or at the same time.
//
// Left out: proof. Whoever can reach the address can claim to be anyone; mutual TLS is the
// transport's business.

import { Cursor, numberBytes, putNumber } from "@compendium/runtime/varint";
import { RaftError } from "../errors.ts";
import { GROUP_BYTES_MAX } from "./options.ts";

/** The version of what is said on a link; another one is refused. */
export const VERSION = 1;
/** The first byte of a frame says what it is. */
export const HELLO = 1;
export const REFUSAL = 2;
export const MESSAGES = 3;
export const ACKNOWLEDGEMENT = 4;
export const OFFER = 5;
export const HAVE = 6;
export const CHUNK = 7;
export const DELIVERED = 8;

/** What a link is for. */
export type Purpose = "messages" | "snapshot";

/** How a side introduces itself. */
export interface Hello {
  readonly group: string;
  readonly from: number;
  readonly to: number;
  readonly diskId: number;
  readonly purpose: Purpose;
  /** Drawn when the speaker started: another number, and it has forgotten all links. */
  readonly life: number;
  /** The name of this link, drawn by its dialer. */
  readonly link: number;
  /** The dialer's last link to this member, which it has lost; 0 if there was none. */
  readonly gone: number;
}

/** Why a link was not accepted. */
export interface Refusal {
  /**
   * "no" is for people; "crossed": there is a link already; "busy": at another time; both are
   * part of the usual business.
   */
  readonly kind: "no" | "crossed" | "busy";
  readonly reason: string;
}

const KINDS: readonly Refusal["kind"][] = ["no", "crossed", "busy"];
const PURPOSES: readonly Purpose[] = ["messages", "snapshot"];
const REASON_BYTES_MAX = 1_024;

const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { fatal: true });

/** A hello as a frame. */
export function encodeHello(hello: Hello): Uint8Array {
  const group = utf8.encode(hello.group);
  const { from, to, diskId, purpose, life, link, gone } = hello;
  const numbers = [from, to, diskId, PURPOSES.indexOf(purpose), life, link, gone];
  const bytes = numbers.reduce((sum, value) => sum + numberBytes(value), numberBytes(group.length));
  const frame = new Uint8Array(2 + bytes + group.length);
  frame[0] = HELLO;
  frame[1] = VERSION;
  let at = putNumber(frame, 2, group.length);
  frame.set(group, at);
  at += group.length;
  for (const value of numbers) at = putNumber(frame, at, value);
  return frame;
}

/**
 * Reads a hello; a refusal to whoever speaks another version.
 *
 * @throws RaftError `RAFT_MALFORMED`
 */
export function decodeHello(frame: Uint8Array): Hello | Refusal {
  const cursor = new Cursor(frame, 0, frame.length);
  if (cursor.byte() !== HELLO) throw malformed("hello");
  const version = cursor.byte();
  if (cursor.failed) throw malformed("hello");
  // What another version says behind its number is not ours to judge.
  if (version !== VERSION) {
    return { kind: "no", reason: `version ${version} is not spoken here, only ${VERSION}` };
  }
  const group = takeText(cursor, GROUP_BYTES_MAX);
  const [from, to, diskId] = [cursor.number(), cursor.number(), cursor.number()];
  const purpose = PURPOSES[cursor.number()];
  const [life, link, gone] = [cursor.number(), cursor.number(), cursor.number()];
  if (!cursor.isDone || purpose === undefined || from === 0) throw malformed("hello");
  return { group, from, to, diskId, purpose, life, link, gone };
}

/** A refusal as a frame; a long reason is cut. */
export function encodeRefusal({ kind, reason }: Refusal): Uint8Array {
  // A reason is for people: half a character at its end is left out.
  const { read, written } = utf8.encodeInto(reason, new Uint8Array(REASON_BYTES_MAX));
  const frame = new Uint8Array(2 + numberBytes(written) + written);
  frame[0] = REFUSAL;
  frame[1] = KINDS.indexOf(kind);
  utf8.encodeInto(reason.slice(0, read), frame.subarray(putNumber(frame, 2, written)));
  return frame;
}

/** Reads a refusal. @throws RaftError `RAFT_MALFORMED` */
export function decodeRefusal(frame: Uint8Array): Refusal {
  const cursor = new Cursor(frame, 1, frame.length);
  const kind = KINDS[cursor.byte()];
  const reason = takeText(cursor, REASON_BYTES_MAX);
  if (!cursor.isDone || kind === undefined) throw malformed("refusal");
  return { kind, reason };
}

function takeText(cursor: Cursor, bytesMax: number): string {
  const length = cursor.number();
  if (length > bytesMax) cursor.failed = true;
  const bytes = cursor.failed ? new Uint8Array(0) : cursor.take(length);
  try {
    return text.decode(bytes);
  } catch {
    cursor.failed = true;
    return "";
  }
}

/** Says that bytes from a peer are not what they should be. */
export function malformed(what: string): RaftError {
  return new RaftError("RAFT_MALFORMED", `not a ${what}`);
}
