// The two sides of the reference codec on real sockets, without a proxy between them: what a server
// does with its streams is the test's, and so is the client.
import { connect as connectSocket, createServer, type Socket } from "node:net";
import { ManualClock } from "@compendium/runtime";
import {
  defaultCodecLimits,
  type PeerInfo,
  type Protocol,
  type RequestHead,
  type ServerConnection,
  type ServerOptions,
  type ServerStream,
  type StreamReceiver,
} from "../../src/codec/codec.ts";
import { NodeCodec } from "../../src/codec/node/node-codec.ts";
import { listenOn } from "../proxy/harness.ts";

export const peer: PeerInfo = {
  remoteAddress: "127.0.0.1",
  remotePort: 1,
  localAddress: "127.0.0.1",
  localPort: 2,
  tls: undefined,
};

export const nothing: StreamReceiver<RequestHead> = {
  onHead() {},
  onData() {},
  onTrailers() {},
  onReset() {},
  onWritable() {},
};

export interface CodecServer extends AsyncDisposable {
  readonly port: number;
  readonly clock: ManualClock;
  readonly codec: NodeCodec;
  readonly connections: ServerConnection[];
  /** Of the connections. */
  readonly sockets: Socket[];
}

/**
 * A server of one protocol whose streams are the test's.
 *
 * @param Codec of this package, or of a copy with a planted bug
 */
export async function startCodecServer(
  protocol: Protocol,
  onStream: (stream: ServerStream) => StreamReceiver<RequestHead>,
  more: Partial<ServerOptions> = {},
  Codec: typeof NodeCodec = NodeCodec,
): Promise<CodecServer> {
  const clock = new ManualClock();
  const codec = new Codec({ clock });
  const options = { ...defaultCodecLimits, upgrades: new Set(["websocket"]), ...more };
  const side = codec.server(options, onStream);
  const connections: ServerConnection[] = [];
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    connections.push(side.accept(socket, peer, protocol));
  });
  const port = await listenOn(server);
  return {
    port,
    clock,
    codec,
    connections,
    sockets,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const connection of connections) connection.destroy();
    },
  };
}

/** A connected socket. */
export function dial(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(port, "127.0.0.1", () => resolve(socket));
    socket.once("error", reject);
  });
}
