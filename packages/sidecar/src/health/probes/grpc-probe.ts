// The gRPC probe: the Check call of grpc.health.v1 ("GRPC Health Checking Protocol"), over HTTP/2.
// Only SERVING is healthy. Any other answer, an error of gRPC too, is "unhealthy"; a connection or
// a stream that ends without one has not answered.
//
// The two messages have one field each, so that they are read and written here by hand:
//
//     HealthCheckRequest  { string service = 1; }
//     HealthCheckResponse { ServingStatus status = 1; }     // 1: SERVING
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
} from "node:http2";
import type { Probe } from "../health-checker.ts";
import type { Connect } from "./connect.ts";

/** Whose health is asked for. */
export interface GrpcCheck {
  /** Empty: the server's as a whole. */
  readonly service: string;
  /** Empty: the host's name, or its address. */
  readonly authority: string;
}

interface Answer {
  readonly status: number;
  readonly grpcStatus: string | undefined;
  readonly body: Buffer;
}

const SERVING = 1;
const BODY_BYTES_MAX = 1_024;

/** Probes a service. */
export function grpcProbe({ service, authority }: GrpcCheck, connect: Connect): Probe {
  return async (host, signal) => {
    const { socket } = await connect(host, signal);
    const name = authority || host.hostname || host.address;
    const session = connectHttp2("http://probe", { createConnection: () => socket });
    try {
      const { status, grpcStatus, body } = await call(session, name, service, signal);
      const isServing = status === 200 && grpcStatus === "0" && servingStatus(body) === SERVING;
      return isServing ? "healthy" : "unhealthy";
    } finally {
      session.destroy();
      socket.destroy();
    }
  };
}

function call(
  session: ClientHttp2Session,
  authority: string,
  service: string,
  signal: AbortSignal,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  session.on("error", reject);
  const stream = session.request(
    {
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      ":authority": authority,
      "content-type": "application/grpc",
      te: "trailers",
      "user-agent": "compendium-sidecar/health-check",
    },
    { signal },
  );
  collect(stream, resolve, reject);
  stream.end(requestFor(service));
  return promise;
}

function collect(
  stream: ClientHttp2Stream,
  resolve: (answer: Answer) => void,
  reject: (reason: Error) => void,
): void {
  let status = 0;
  let grpcStatus: string | undefined;
  let body = Buffer.alloc(0);
  const note = (fields: Record<string, unknown>): void => {
    const found = fields["grpc-status"];
    if (typeof found === "string") grpcStatus = found;
  };
  stream.once("response", (fields) => {
    status = fields[":status"] ?? 0;
    // Without a message, the status stands in the head of the answer.
    note(fields);
  });
  stream.once("trailers", note);
  stream.on("data", (chunk: Buffer) => {
    body = Buffer.concat([body, chunk]);
    if (body.length > BODY_BYTES_MAX) stream.destroy(new Error("the answer is too long"));
  });
  stream.on("error", reject);
  stream.once("close", () => {
    if (status > 0 && stream.rstCode === 0) resolve({ status, grpcStatus, body });
    else reject(new Error("the stream was closed without an answer"));
  });
}

// A gRPC frame (not compressed, its length) around field 1 as a string.
function requestFor(service: string): Buffer {
  const text = Buffer.from(service);
  const message = text.length === 0 ? text : Buffer.concat([tagAndLength(text.length), text]);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  return Buffer.concat([frame, message]);
}

function tagAndLength(length: number): Buffer {
  const bytes = [0x0a];
  let left = length;
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
  return Buffer.from([...bytes, left]);
}

// The status in exactly one frame that holds field 1 and nothing else; protobuf omits a zero.
function servingStatus(body: Buffer): number | undefined {
  if (body.length < 5 || body[0] !== 0 || body.readUInt32BE(1) !== body.length - 5)
    return undefined;
  const message = body.subarray(5);
  if (message.length === 0) return 0;
  return message.length === 2 && message[0] === 0x08 ? message[1] : undefined;
}
