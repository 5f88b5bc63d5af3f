// Clients as they should be: they keep their connections, heed `Connection: close` and GOAWAY, and
// look at the whole of each answer. A client that comes back after it was asked to leave and finds
// nobody at the door is "turned away", as it is where another instance takes over; everything else
// that is not the right answer has failed.
import { Agent, request as httpRequest } from "node:http";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { request as httpsRequest, Agent as TlsAgent } from "node:https";
import { Client, credentials, type StatusObject, status } from "@grpc/grpc-js";
import { collect } from "../proxy/peers.ts";
import type { MemberCertificates } from "../tls/files.ts";
import { echo } from "./hosts.ts";

/** What came of one request; a text says what went wrong. */
export type Outcome = "answered" | "turned away" | { readonly failed: string };

export interface LoadClient extends Disposable {
  readonly name: string;
  /** Sends the request of this number, and looks at the answer. */
  ask(number: number): Promise<Outcome>;
}

export interface ClientOptions {
  readonly port: number;
  /** Where requests go, without a number. */
  readonly path: string;
  /** With TLS, as this member. */
  readonly member?: MemberCertificates | undefined;
}

export const clientKinds = ["h1", "h2", "grpc"] as const;

export function makeLoadClient(kind: (typeof clientKinds)[number], options: ClientOptions) {
  return { h1: http1Client, h2: http2Client, grpc: grpcClient }[kind](options);
}

// Every third carries a body.
const bodyOf = (number: number): Buffer => Buffer.alloc(number % 3 === 0 ? 2_000 + number : 0);
const methodOf = (number: number): string => (number % 3 === 0 ? "POST" : "GET");

function judge(number: number, path: string, code: number | undefined, text: string): Outcome {
  const expected = `${methodOf(number)} ${path} ${bodyOf(number).length}`;
  if (code === 200 && text === expected) return "answered";
  return { failed: `${code} ${text.slice(0, 200)} instead of ${expected}` };
}

function judgeError(error: NodeJS.ErrnoException): Outcome {
  return error.code === "ECONNREFUSED" ? "turned away" : { failed: `${error.code} ${error}` };
}

const tlsOf = (member: MemberCertificates) => {
  return { cert: member.certificate, key: member.key, ca: member.ca };
};

function http1Client({ port, path, member }: ClientOptions): LoadClient {
  const settings = { keepAlive: true, maxSockets: 1 };
  const agent = member ? new TlsAgent({ ...settings, ...tlsOf(member) }) : new Agent(settings);
  const send = member ? httpsRequest : httpRequest;
  return {
    name: member ? "h1 over TLS" : "h1",
    [Symbol.dispose]: () => agent.destroy(),
    ask: (number) =>
      new Promise((resolve) => {
        const fail = (error: Error): void => resolve(judgeError(error));
        const target = `${path}/${number}`;
        const method = methodOf(number);
        const request = send({ host: "127.0.0.1", port, agent, method, path: target });
        request.on("error", fail);
        request.on("response", (response) => {
          collect(response).then(
            (got) => resolve(judge(number, target, response.statusCode, String(got))),
            fail,
          );
        });
        request.end(bodyOf(number));
      }),
  };
}

function http2Client({ port, path, member }: ClientOptions): LoadClient {
  let session: ClientHttp2Session | undefined;
  let isRefused = false;
  const open = (): ClientHttp2Session => {
    const url = `${member ? "https" : "http"}://127.0.0.1:${port}`;
    const opened = connect(url, member ? tlsOf(member) : {});
    opened.on("error", (error: NodeJS.ErrnoException) => {
      isRefused ||= error.code === "ECONNREFUSED";
    });
    return opened;
  };
  const ask = async (number: number): Promise<Outcome> => {
    if (session === undefined || session.closed || session.destroyed) session = open();
    const own = session;
    const target = `${path}/${number}`;
    const method = methodOf(number);
    const stream = own.request({ ":method": method, ":path": target }, { endStream: false });
    let code: number | undefined;
    stream.on("response", (head) => {
      code = head[":status"];
    });
    stream.end(bodyOf(number));
    return await collect(stream).then(
      (got) => judge(number, target, code, String(got)),
      (error) => {
        if (isRefused) return "turned away";
        // Sent behind this client's own GOAWAY, and not processed (RFC 9113 §8.7). Node's server
        // ends a session with the GOAWAY of its client, and says so.
        return own.closed && isUnprocessed(stream, error) ? ask(number) : judgeError(error);
      },
    );
  };
  return {
    name: member ? "h2 over TLS" : "h2",
    [Symbol.dispose]: () => session?.destroy(),
    ask,
  };
}

function isUnprocessed({ rstCode }: ClientHttp2Stream, error: NodeJS.ErrnoException): boolean {
  const wasNeverSent = error.code === "ERR_HTTP2_GOAWAY_SESSION";
  return wasNeverSent || rstCode === constants.NGHTTP2_REFUSED_STREAM;
}

const MESSAGES = 4;

function grpcClient({ port, member }: ClientOptions): LoadClient {
  const client = new Client(
    `127.0.0.1:${port}`,
    member
      ? credentials.createSsl(
          Buffer.from(member.ca),
          Buffer.from(member.key),
          Buffer.from(member.certificate),
        )
      : credentials.createInsecure(),
    // Otherwise all clients of one address would share a connection.
    {
      "grpc.use_local_subchannel_pool": 1,
      // A name of TLS cannot be an address (RFC 6066 §3).
      ...(member && { "grpc.ssl_target_name_override": "localhost" }),
    },
  );
  const { path, requestSerialize, responseDeserialize } = echo.echo;
  const ask = (number: number): Promise<Outcome> =>
    new Promise((resolve) => {
      const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
      const next = (at: number): void => {
        if (at === MESSAGES) call.end();
        else call.write(Buffer.from(`${number}:${at}`));
      };
      let got = 0;
      let wrong: string | undefined;
      call.on("data", (message: Buffer) => {
        if (String(message) !== `${number}:${got}`) wrong ??= `${message} for ${number}:${got}`;
        next(++got);
      });
      call.on("error", () => {});
      call.on("status", ({ code, details }: StatusObject) => {
        const isRefused = code === status.UNAVAILABLE && /ECONNREFUSED/.test(details);
        if (code === status.OK && got === MESSAGES && wrong === undefined) resolve("answered");
        else if (got === 0 && isRefused) resolve("turned away");
        else
          resolve({ failed: `gRPC ${code} ${details}, ${got} messages, ${wrong ?? "none wrong"}` });
      });
      next(0);
    });
  return {
    name: member ? "gRPC over TLS" : "gRPC",
    [Symbol.dispose]: () => client.close(),
    ask,
  };
}
