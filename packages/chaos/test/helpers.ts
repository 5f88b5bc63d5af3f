// Real sockets on 127.0.0.1 for the tests, and ways to wait for what happened instead of for time.

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { FaultProxy, type FaultProxyOptions } from "@compendium/chaos";
import { ManualClock } from "@compendium/runtime";

/** A server that keeps its connections and what they sent, and a proxy before it. */
export class Rig implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly accepted: Peer[] = [];
  #server!: Server;
  #proxy: FaultProxy | undefined;
  readonly #clients: Peer[] = [];

  static async start(options: Partial<FaultProxyOptions> = {}): Promise<Rig> {
    const rig = new Rig();
    rig.#server = createServer({ allowHalfOpen: true }, (socket) => {
      rig.accepted.push(new Peer(socket));
    });
    rig.#server.listen(0, "127.0.0.1");
    await once(rig.#server, "listening");
    const { port } = rig.#server.address() as { port: number };
    rig.#proxy = await FaultProxy.listen({ upstream: { port }, clock: rig.clock, ...options });
    return rig;
  }

  get proxy(): FaultProxy {
    if (!this.#proxy) throw new Error("the rig has not been started");
    return this.#proxy;
  }

  /** A client, connected to the proxy, or reset by it before it could know. */
  async client(): Promise<Peer> {
    const socket = connect({ ...this.proxy.address, allowHalfOpen: true });
    const peer = new Peer(socket);
    this.#clients.push(peer);
    await until(() => !socket.connecting || peer.errorCode !== undefined);
    return peer;
  }

  /** A client and the server's end of the same connection. */
  async pair(): Promise<[Peer, Peer]> {
    const index = this.accepted.length;
    const client = await this.client();
    await until(() => this.accepted.length > index);
    return [client, this.accepted[index] as Peer];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy?.[Symbol.asyncDispose]();
    for (const peer of [...this.#clients, ...this.accepted]) peer.socket.destroy();
    this.#server.close();
  }
}

/** One end of a connection and all that it has received. */
export class Peer {
  readonly socket: Socket;
  #chunks: Buffer[] = [];
  ended = false;
  /** The code of the socket's error: ECONNRESET, ECONNREFUSED. */
  errorCode: string | undefined;
  closed = false;

  constructor(socket: Socket) {
    this.socket = socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#chunks.push(chunk));
    socket.on("end", () => {
      this.ended = true;
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.errorCode = error.code;
    });
    socket.on("close", () => {
      this.closed = true;
    });
  }

  get received(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  get text(): string {
    return this.received.toString();
  }
}

/** Lets the event loop run until `condition` holds; the test's own timeout is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

/** Enough turns for bytes to cross every socket here, if anything lets them. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < 30; turns++) await turn();
}

// Not setImmediate: loopback needs the poll phase, and other processes need the core.
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

/** `length` bytes, different enough that a lost, doubled or moved one shows. */
export function pattern(length: number, start = 0): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = (start + i) * 31 + ((start + i) >>> 8) * 17;
  return bytes;
}
