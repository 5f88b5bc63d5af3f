// Clients, a proxy of TCP, and hosts behind it, on real sockets.
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { TcpConfig } from "../../src/config/listener-config.ts";
import type { TcpConnectionInfo } from "../../src/tcp/tcp-connection.ts";
import { listenOn, type ProxyOptions } from "../proxy/harness.ts";
import { type ChainOptions, startChains } from "../tls/proxy.ts";

export const open: (Disposable | AsyncDisposable)[] = [];

export const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
};

export const noEdits = { request: [], response: [] };

export function tcpConfig(more: Partial<TcpConfig> = {}): TcpConfig {
  return {
    kind: "tcp",
    statPrefix: "tcp",
    clusters: [{ cluster: "backend", weight: 1, headers: noEdits, subset: {} }],
    connectAttemptsMax: 1,
    idleTimeoutMs: 0,
    hash: [],
    accessLogs: [],
    bufferBytesMax: 1_048_576,
    ...more,
  };
}

export interface Peer {
  readonly port: number;
  readonly sockets: Socket[];
}

export async function listen(onSocket: (socket: Socket) => void = () => {}): Promise<Peer> {
  const sockets: Socket[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    sockets.push(socket);
    onSocket(socket);
  });
  const port = await listenOn(server);
  open.push({
    [Symbol.dispose]: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  });
  return { port, sockets };
}

export const echo = (): Promise<Peer> => listen((socket) => void socket.pipe(socket));

export async function start(
  config: Partial<TcpConfig>,
  { chain, ...options }: ProxyOptions & { readonly chain?: ChainOptions },
) {
  const ended: TcpConnectionInfo[] = [];
  const onTcpEnd = (_listener: string, _chain: string, info: TcpConnectionInfo): void => {
    ended.push(info);
  };
  const chains = [{ ...chain, filter: tcpConfig(config) }];
  const proxy = await startChains(chains, { ...options, onTcpEnd });
  open.push(proxy);
  const cluster = proxy.plane.clusterOf("backend")!.cluster;
  return { ...proxy, ended, cluster };
}

export function dial(port: number): Socket {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  open.push({ [Symbol.dispose]: () => void socket.destroy() });
  return socket;
}

/** Settles when both sides have closed; whatever comes until then is dropped. */
export function closeOf(socket: Socket): Promise<unknown> {
  socket.on("end", () => socket.end());
  socket.resume();
  return new Promise((resolve) => socket.once("close", resolve));
}

export async function read(socket: Socket): Promise<string> {
  let text = "";
  // Not by `for await`, which in Node 22 destroys the socket at its end.
  socket.on("data", (chunk) => {
    text += chunk;
  });
  await once(socket, "end");
  return text;
}

/** Ends whatever was begun. */
export async function closeAll(): Promise<void> {
  for (const thing of open.splice(0).reverse()) {
    if (Symbol.asyncDispose in thing) await thing[Symbol.asyncDispose]();
    else thing[Symbol.dispose]();
  }
}
