// What HTTP/1.1's opening of a WebSocket has and HTTP/2's has not: a key and the answer that proves
// that it was read (RFC 6455 §1.3). Extended CONNECT leaves both out (RFC 8441 §5), so a proxy
// between the two makes them up on one side and takes them off on the other.
import { createHash, randomBytes } from "node:crypto";

const id = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** A key, for a client that sent none. */
export const makeKey = (): string => randomBytes(16).toString("base64");

/** What a server must say to a key. */
export const acceptOf = (key: string): string =>
  createHash("sha1").update(`${key}${id}`, "latin1").digest("base64");
