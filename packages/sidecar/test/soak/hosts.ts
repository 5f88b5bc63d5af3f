// What stands behind a proxy under load: servers of HTTP/1.1, with and without TLS, and of gRPC,
// each of which answers such that an answer tells whose it is.
import { createServer, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import type { Socket } from "node:net";
import { type Random, SeededRandom } from "@compendium/runtime";
import {
  type handleBidiStreamingCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import { listenOn } from "../proxy/harness.ts";
import { collect } from "../proxy/peers.ts";
import type { Authority } from "../tls/files.ts";
import { turns } from "../upstream/turns.ts";

/** Ports, by kind. */
export interface Hosts extends AsyncDisposable {
  readonly app: readonly number[];
  /** Mutual TLS. */
  readonly secure: readonly number[];
  readonly grpc: readonly number[];
}

const bytes = (value: Buffer): Buffer => value;

/** Each message comes back as it is. */
export const echo = {
  echo: {
    path: "/load.Echo/Both",
    requestStream: true,
    responseStream: true,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  },
} satisfies ServiceDefinition;

export async function startHosts(group: Authority, seed: number): Promise<Hosts> {
  const random = new SeededRandom(seed);
  const opened = new AsyncDisposableStack();
  const app: number[] = [];
  const grpc: number[] = [];
  for (let i = 0; i < 3; i++) app.push(await listen(opened, createServer(answerBy(random))));
  const { certificate, key } = group.member("host");
  const tls = { cert: certificate, key, ca: group.ca, requestCert: true, rejectUnauthorized: true };
  const secure = [await listen(opened, createHttps(tls, answerBy(random)))];
  for (let i = 0; i < 3; i++) grpc.push(await startEcho(opened, random));
  return { app, secure, grpc, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

// `METHOD PATH BYTES`, some turns of the event loop later, at once or in two parts.
function answerBy(random: Random): RequestListener {
  return async (request, response) => {
    const body = await collect(request).catch(() => undefined);
    if (body === undefined) return;
    await turns(random.below(4));
    const answer = `${request.method} ${request.url} ${body.length}`;
    if (random.below(2) === 0) {
      response.write(answer.slice(0, 3));
      await turns(1);
      response.end(answer.slice(3));
    } else response.end(answer);
  };
}

async function listen(
  opened: AsyncDisposableStack,
  server: ReturnType<typeof createServer> | ReturnType<typeof createHttps>,
): Promise<number> {
  const sockets = new Set<Socket>();
  // An idle connection is never this server's to close: whatever fails is the proxy's doing.
  server.keepAliveTimeout = 0;
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  opened.defer(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return await listenOn(server);
}

function startEcho(opened: AsyncDisposableStack, random: Random): Promise<number> {
  const server = new Server();
  const both: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    call.on("data", async (message: Buffer) => {
      await turns(random.below(3));
      call.write(message);
    });
    call.on("end", async () => {
      await turns(4);
      call.end();
    });
  };
  server.addService(echo, { echo: both });
  opened.defer(() => server.forceShutdown());
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}
