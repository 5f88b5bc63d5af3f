// How a probe reaches its host. The owner of a cluster passes what its requests use, with TLS or
// without; this one is plain TCP. Left out: keeping connections between probes. A new one each time
// asks more of the host, and also finds one that accepts nobody any more.
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { type Host, ipOf } from "../../cluster/host.ts";

/** Opens a connection, or rejects; the signal ends it, also later. */
export type Connect = (host: Host, signal: AbortSignal) => Promise<Duplex>;

/** Plain TCP. */
export const connectTcp: Connect = (host, signal) => {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const socket = connect({ host: ipOf(host), port: host.port, noDelay: true, signal });
  socket.once("connect", () => resolve(socket));
  // Stays: an error after the probe has ended must not end the process.
  socket.on("error", reject);
  return promise;
};
