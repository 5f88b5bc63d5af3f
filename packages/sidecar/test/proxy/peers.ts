// Clients and servers of both protocols with one face, so that a test runs once for each pair.
import { Agent, createServer as createHttp1, request as http1Request } from "node:http";
import {
  type ClientHttp2Session,
  connect,
  createServer as createHttp2,
  type ServerHttp2Session,
} from "node:http2";
import type { Socket } from "node:net";
import { listenOn } from "./harness.ts";

export type Version = "h1" | "h2";

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
  readonly trailers: Record<string, string | string[] | undefined>;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: Buffer | string;
  readonly trailers?: Record<string, string>;
}

export interface Upstream extends AsyncDisposable {
  readonly port: number;
  /** Connections that there have been. */
  readonly connections: () => number;
}

/** A server that reads a request to its end, and answers. */
export async function startUpstream(
  version: Version,
  answer: (request: SeenRequest) => Answer | Promise<Answer>,
): Promise<Upstream> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = version === "h1" ? http1Server(answer) : http2Server(answer);
  server.on("connection", (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  const port = await listenOn(server);
  return {
    port,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function http1Server(answer: (request: SeenRequest) => Answer | Promise<Answer>) {
  return createHttp1(async (request, response) => {
    const body = await collect(request).catch(() => undefined);
    if (body === undefined) return;
    const { method = "", url = "", headers, trailers } = request;
    const made = await answer({ method, path: url, headers, body, trailers });
    response.writeHead(made.status, made.headers);
    if (made.trailers) {
      response.write(made.body ?? "");
      response.addTrailers(made.trailers);
      response.end();
    } else response.end(made.body);
  });
}

function http2Server(answer: (request: SeenRequest) => Answer | Promise<Answer>) {
  const server = createHttp2();
  server.on("session", (session: ServerHttp2Session) => session.on("error", () => {}));
  server.on("stream", async (stream, headers) => {
    let trailers: Record<string, string | string[] | undefined> = {};
    stream.on("error", () => {});
    stream.on("trailers", (fields) => {
      trailers = fields;
    });
    const body = await collect(stream).catch(() => undefined);
    if (body === undefined) return;
    const { ":method": method = "", ":path": path = "" } = headers;
    const made = await answer({ method, path, headers, body, trailers });
    if (stream.destroyed) return;
    stream.respond({ ":status": made.status, ...made.headers }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(made.trailers ?? {}));
    stream.end(made.body);
  });
  return server;
}

export async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export interface SentRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: Buffer | string;
  readonly trailers?: Record<string, string>;
}

export interface GotResponse {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
  readonly trailers: Record<string, string | string[] | undefined>;
}

export interface Client extends Disposable {
  send(request: SentRequest): Promise<GotResponse>;
}

export function makeClient(version: Version, port: number): Client {
  return version === "h1" ? http1Client(port) : http2Client(port);
}

function http1Client(port: number): Client {
  const agent = new Agent({ keepAlive: true });
  return {
    [Symbol.dispose]: () => agent.destroy(),
    send: ({ method = "GET", path = "/", headers = {}, body, trailers }) =>
      new Promise((resolve, reject) => {
        const request = http1Request({ port, host: "127.0.0.1", agent, method, path, headers });
        request.on("error", reject);
        request.on("response", (response) => {
          collect(response).then(
            (got) =>
              resolve({
                status: response.statusCode!,
                headers: response.headers,
                body: got,
                trailers: response.trailers,
              }),
            reject,
          );
        });
        if (trailers) {
          request.write(body ?? "");
          request.addTrailers(trailers);
          request.end();
        } else request.end(body);
      }),
  };
}

function http2Client(port: number): Client {
  const session: ClientHttp2Session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  return {
    [Symbol.dispose]: () => session.destroy(),
    send: ({ method = "GET", path = "/", headers = {}, body, trailers }) =>
      new Promise((resolve, reject) => {
        const endStream = body === undefined && trailers === undefined;
        const stream = session.request(
          { ":method": method, ":path": path, ...headers },
          { endStream, waitForTrailers: trailers !== undefined },
        );
        let got: GotResponse["headers"] = {};
        let gotTrailers: GotResponse["trailers"] = {};
        stream.on("response", (fields) => {
          got = fields;
        });
        stream.on("trailers", (fields) => {
          gotTrailers = fields;
        });
        stream.on("wantTrailers", () => stream.sendTrailers(trailers ?? {}));
        stream.on("error", reject);
        collect(stream).then(
          (bytes) =>
            resolve({
              status: Number(got[":status"]),
              headers: got,
              body: bytes,
              trailers: gotTrailers,
            }),
          reject,
        );
        if (!endStream) stream.end(body ?? "");
      }),
  };
}
