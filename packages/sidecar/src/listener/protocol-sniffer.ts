// Which HTTP a client without ALPN speaks. HTTP/2 begins with 24 bytes that no HTTP/1.1 request can
// begin with (RFC 9113 §3.4): the first byte that differs decides. Nothing is taken from the
// socket: what has been read is given back.
import type { Socket } from "node:net";
import type { Protocol } from "../codec/codec.ts";

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** Calls back once the protocol is known; never when the socket closes before. */
export function sniffProtocol(socket: Socket, onProtocol: (protocol: Protocol) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const compared = Math.min(seen.length, preface.length);
    const isAlike = seen.compare(preface, 0, compared, 0, compared) === 0;
    if (isAlike && compared < preface.length) return;
    socket.off("readable", onReadable);
    socket.unshift(seen);
    onProtocol(isAlike ? "h2" : "http/1.1");
  };
  socket.on("readable", onReadable);
}
