// The TCP probe (Envoy, "TCP health checker"): connects, sends some bytes, and waits until it has
// received others, with anything before, between chunks or behind. With nothing to receive, to be
// let in is enough. A host that closes first, or talks on without ever saying it, has given no
// answer.
import type { Duplex } from "node:stream";
import type { Probe } from "../health-checker.ts";
import type { Connect } from "./connect.ts";

/** What is said and what must be heard. */
export interface TcpCheck {
  readonly send: Uint8Array;
  readonly receive: Uint8Array;
}

const RECEIVED_BYTES_MAX = 65_536;

/** Probes a port. */
export function tcpProbe({ send, receive }: TcpCheck, connect: Connect): Probe {
  return async (host, signal) => {
    const { socket } = await connect(host, signal);
    try {
      if (send.length > 0) socket.write(send);
      if (receive.length > 0) await hear(socket, Buffer.from(receive));
      return "healthy";
    } finally {
      socket.destroy();
    }
  };
}

async function hear(socket: Duplex, expected: Buffer): Promise<void> {
  let heard = Buffer.alloc(0);
  let bytes = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    heard = Buffer.concat([heard, chunk]);
    if (heard.includes(expected)) return;
    if (bytes > RECEIVED_BYTES_MAX) throw new Error(`not among the first ${bytes} bytes`);
    // What is expected may begin in what has come and end in what comes next.
    if (expected.length === 1) heard = Buffer.alloc(0);
    else heard = heard.subarray(-(expected.length - 1));
  }
  throw new Error("closed before it said what was expected");
}
