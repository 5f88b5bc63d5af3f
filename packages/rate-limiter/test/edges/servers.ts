// Real servers on 127.0.0.1 for the edges' tests, which know at the end whether a socket was left.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** A listening server and the connections it was ever given. */
export class TestServer implements AsyncDisposable {
  readonly server: Server;
  readonly sockets = new Set<Socket>();
  /** Connections accepted so far. */
  accepted = 0;
  /** Requests received so far. */
  requests = 0;

  private constructor(server: Server) {
    this.server = server;
    server.on("connection", (socket: Socket) => {
      this.accepted++;
      this.sockets.add(socket);
      socket.once("close", () => this.sockets.delete(socket));
    });
    // First, so that a handler finds its own request counted.
    server.prependListener("request", () => this.requests++);
  }

  static async listen(
    handler: (request: IncomingMessage, response: ServerResponse) => void,
  ): Promise<TestServer> {
    return await TestServer.on(createServer(handler));
  }

  /** Watches a server that somebody else made. */
  static async on(server: Server): Promise<TestServer> {
    const test = new TestServer(server);
    if (!server.listening) {
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
    }
    return test;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  /** Waits until every client has let go of its sockets; hangs, and so fails, if one does not. */
  async drained(): Promise<void> {
    await until(() => this.sockets.size === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await until(() => this.sockets.size === 0);
  }
}

/** Waits for what other sockets, in this process, are about to bring about. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

/** A promise and its resolve, by hand. */
export function gate<T = void>(): { opened: Promise<T>; open: (value: T) => void } {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { opened: promise, open: resolve };
}

/** Lets other sockets of this process say what they have to say: for what must not happen. */
export async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
