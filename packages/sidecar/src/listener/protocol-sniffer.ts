// Looking at what a client says first, without taking it away: what has been read is given back
// before anybody is told. Which HTTP a client without ALPN speaks is found out so: HTTP/2 begins
// with 24 bytes that no HTTP/1.1 request can begin with (RFC 9113 §3.4), and the first byte that
// differs decides.
import type { Socket } from "node:net";
import type { Protocol } from "../codec/codec.ts";

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/**
 * Calls back once the bytes so far are enough to judge by; never when the socket closes before.
 *
 * @param judge `undefined` asks for more; what it may ask for must have a bound
 */
export function peek<T>(
  socket: Socket,
  judge: (seen: Buffer) => T | undefined,
  onJudged: (judged: T) => void,
): void {
  let seen: Buffer = Buffer.alloc(0);
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const judged = judge(seen);
    if (judged === undefined) return;
    socket.off("readable", onReadable);
    socket.unshift(seen);
    onJudged(judged);
  };
  socket.on("readable", onReadable);
}

/** The protocol of a client that begins like this; `undefined` while it could still be either. */
export function protocolOf(seen: Buffer): Protocol | undefined {
  const compared = Math.min(seen.length, preface.length);
  const isAlike = seen.compare(preface, 0, compared, 0, compared) === 0;
  if (!isAlike) return "http/1.1";
  return compared < preface.length ? undefined : "h2";
}
