// How a link is opened: connect, say hello, hear hello, all within a bounded time. A link whose
// other end is slow, silent or speaks nonsense is destroyed.
import type { Link } from "@compendium/runtime";
import { RuntimeError } from "@compendium/runtime";
import { RaftError } from "../errors.ts";
import {
  decodeHello,
  decodeRefusal,
  encodeHello,
  encodeRefusal,
  type Hello,
  type Purpose,
  REFUSAL,
  type Refusal,
} from "./hello.ts";
import type { Surroundings } from "./surroundings.ts";

/** A link whose ends know each other. */
export interface Meeting {
  readonly link: Link;
  /** What comes next. */
  readonly frames: AsyncIterator<Uint8Array>;
  /** What the other end has said. */
  readonly theirs: Hello;
  /** The name of the link. */
  readonly name: number;
}

/** Whom to dial, and what to say. */
export interface Call {
  readonly id: number;
  readonly address: string;
  readonly purpose: Purpose;
  /** The last link to that member, which is no more; 0 if there was none. */
  readonly gone: number;
  /** Gives up. */
  readonly signal: AbortSignal;
  /** Called when the other end may get to know of the link. */
  readonly onHello?: () => void;
}

/** Opens a link; a refusal where the other end does not want one, undefined where it failed. */
export async function dial(
  around: Surroundings,
  call: Call,
): Promise<Meeting | Refusal | undefined> {
  const attempt = new AbortController();
  const stop = (): void => attempt.abort();
  const timer = around.after(around.settings.connectTimeoutMs, stop);
  call.signal.addEventListener("abort", stop);
  around.closing.addEventListener("abort", stop);
  if (call.signal.aborted || around.isClosing) stop();
  try {
    return await meet(around, call, attempt.signal);
  } finally {
    timer[Symbol.dispose]();
    call.signal.removeEventListener("abort", stop);
    around.closing.removeEventListener("abort", stop);
  }
}

async function meet(
  around: Surroundings,
  call: Call,
  signal: AbortSignal,
): Promise<Meeting | Refusal | undefined> {
  const { settings, self, life } = around;
  const { id, purpose, gone } = call;
  const link = await connect(around, call.address, signal);
  if (link === undefined) return undefined;
  const destroy = (): void => link.destroy();
  signal.addEventListener("abort", destroy);
  try {
    if (signal.aborted) destroy();
    const name = around.drawName();
    const { group } = settings;
    call.onHello?.();
    link.send(
      encodeHello({
        group,
        from: self.id,
        to: id,
        diskId: self.diskId,
        purpose,
        life,
        link: name,
        gone,
      }),
    );
    const frames = link[Symbol.asyncIterator]();
    const frame = await nextFrame(frames);
    if (frame === undefined || signal.aborted) return undefined;
    const answer = judgeWelcome(around, id, frame);
    if (!("from" in answer)) {
      if (frame[0] === REFUSAL) destroy();
      else refuse(around, link, answer);
      return answer;
    }
    return { link, frames, theirs: answer, name };
  } catch (error) {
    destroy();
    if (isMalformed(error)) return undefined;
    throw error;
  } finally {
    signal.removeEventListener("abort", destroy);
    if (signal.aborted) destroy();
  }
}

async function connect(
  around: Surroundings,
  address: string,
  signal: AbortSignal,
): Promise<Link | undefined> {
  try {
    return await around.settings.transport.connect(address, { signal });
  } catch (error) {
    if (signal.aborted || error instanceof RuntimeError) return undefined;
    throw error;
  }
}

// The other end's hello, if it is the one that was meant.
function judgeWelcome(around: Surroundings, id: number, frame: Uint8Array): Hello | Refusal {
  if (frame[0] === REFUSAL) return decodeRefusal(frame);
  const theirs = decodeHello(frame);
  if (!("from" in theirs)) return theirs;
  if (theirs.from !== id) return { kind: "no", reason: `member ${theirs.from} is at its address` };
  return judge(around, theirs) ?? theirs;
}

/** Why a link with whoever says that is out of the question; undefined if it is not. */
export function judge(around: Surroundings, theirs: Hello): Refusal | undefined {
  const { settings, self, receiver } = around;
  if (theirs.group !== settings.group) {
    return { kind: "no", reason: `this is group "${settings.group}", not "${theirs.group}"` };
  }
  if (theirs.to !== self.id || theirs.from === self.id) {
    return { kind: "no", reason: `this is member ${self.id}, not ${theirs.to}` };
  }
  const reason = receiver.admit({ id: theirs.from, diskId: theirs.diskId });
  return reason === undefined ? undefined : { kind: "no", reason };
}

/** Hears who it is that has dialed; undefined if it does not say so in time. */
export async function hear(
  around: Surroundings,
  link: Link,
): Promise<{ frames: AsyncIterator<Uint8Array>; theirs: Hello | Refusal } | undefined> {
  const destroy = (): void => link.destroy();
  const timer = around.after(around.settings.connectTimeoutMs, destroy);
  around.closing.addEventListener("abort", destroy);
  try {
    const frames = link[Symbol.asyncIterator]();
    const frame = await nextFrame(frames);
    if (frame === undefined) return undefined;
    return { frames, theirs: decodeHello(frame) };
  } catch (error) {
    destroy();
    if (isMalformed(error)) return undefined;
    throw error;
  } finally {
    timer[Symbol.dispose]();
    around.closing.removeEventListener("abort", destroy);
  }
}

/** Answers a hello. */
export function welcome(around: Surroundings, link: Link, theirs: Hello): void {
  const { settings, self, life } = around;
  const { from, purpose } = theirs;
  const names = { life, link: theirs.link, gone: 0 };
  const hello = { group: settings.group, from: self.id, to: from, diskId: self.diskId };
  link.send(encodeHello({ ...hello, purpose, ...names }));
}

/** Says why not, and closes. */
export function refuse(around: Surroundings, link: Link, refusal: Refusal): void {
  link.send(encodeRefusal(refusal));
  around.release(link);
}

/** The next frame; undefined when the link is gone, for whatever reason. */
export async function nextFrame(
  frames: AsyncIterator<Uint8Array>,
): Promise<Uint8Array | undefined> {
  try {
    const { done, value } = await frames.next();
    return done === true ? undefined : value;
  } catch (error) {
    if (error instanceof RuntimeError) return undefined;
    throw error;
  }
}

/** Whether a peer has sent what cannot be read. */
export function isMalformed(error: unknown): boolean {
  return error instanceof RaftError && error.code === "RAFT_MALFORMED";
}
