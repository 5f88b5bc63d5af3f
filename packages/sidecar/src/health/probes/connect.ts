// How a probe reaches its host: as the requests of its cluster do, with TLS or without. Left out:
// keeping connections between probes. A new one each time asks more of the host, and also finds
// one that accepts nobody any more.
import type { Socket } from "node:net";
import type { Host } from "../../cluster/host.ts";
import type { PeerInfo, Protocol } from "../../codec/codec.ts";
import type { Connector, Wish } from "../../upstream/connect.ts";

/** A socket for one probe. */
export interface ProbeConnection {
  readonly socket: Socket;
  readonly peer: PeerInfo;
  readonly protocol: Protocol;
}

/** Opens a connection, or rejects; the signal ends it, also later. */
export type Connect = (host: Host, signal: AbortSignal) => Promise<ProbeConnection>;

/** By the connector of a cluster. */
export function connectBy(connector: Connector, wish: Wish, timeoutMs: number): Connect {
  return (host, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<ProbeConnection>();
    let giveUp = (): void => {
      attempt[Symbol.dispose]();
      reject(signal.reason);
    };
    const attempt = connector.connect(host, wish, timeoutMs, {
      onConnected: (socket, peer, agreed) => {
        giveUp = () => void socket.destroy();
        // An error after the probe has ended must not end the process.
        socket.on("error", () => {});
        resolve({ socket, peer, protocol: agreed });
      },
      onFailed: (failure, detail) => reject(new Error(`${failure}: ${detail}`)),
    });
    signal.addEventListener("abort", () => giveUp(), { once: true });
    if (signal.aborted) giveUp();
    return promise;
  };
}
