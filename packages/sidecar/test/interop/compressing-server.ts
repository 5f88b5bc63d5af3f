// The compressing half of gRPC's interoperability server, on node:http2 itself: grpc-js reads
// compressed messages, but neither says whether one was, nor writes any. A message is a flag, a
// length in four bytes, and the bytes (gRPC over HTTP/2, "Length-Prefixed-Message").
import { createServer, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { gunzipSync, gzipSync } from "node:zlib";
import { status } from "@grpc/grpc-js";
import { listenOn } from "../proxy/harness.ts";
import { collect } from "../proxy/peers.ts";
import { type Format, formats } from "./messages.ts";

interface Message {
  readonly isCompressed: boolean;
  readonly bytes: Buffer;
}

interface Answer {
  readonly code: number;
  readonly messages: readonly Message[];
}

export async function startCompressingServer(): Promise<Disposable & { readonly port: number }> {
  const server = createServer();
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.on("stream", async (stream, headers) => {
    stream.on("error", () => {});
    const messages = split(await collect(stream));
    const answer = answers[String(headers[":path"]).replace(/.*\//, "")];
    respond(stream, answer?.(messages) ?? { code: status.UNIMPLEMENTED, messages: [] });
  });
  const port = await listenOn(server);
  return {
    port,
    [Symbol.dispose]: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const answers: Readonly<Record<string, (messages: readonly Message[]) => Answer>> = {
  UnaryCall: ([message]) => {
    const {
      responseSize = 0,
      expectCompressed,
      responseCompressed,
    } = read(formats.simpleRequest, message!);
    if (expectCompressed?.value && !message!.isCompressed) return refused;
    const payload = { body: Buffer.alloc(responseSize) };
    const bytes = formats.simpleResponse.serialize({ payload });
    return answered([{ isCompressed: responseCompressed?.value ?? false, bytes }]);
  },
  StreamingInputCall: (messages) => {
    let aggregatedPayloadSize = 0;
    for (const message of messages) {
      const { payload, expectCompressed } = read(formats.inputRequest, message);
      // Either way, to see that the flag belongs to its message.
      if (expectCompressed && expectCompressed.value !== message.isCompressed) return refused;
      aggregatedPayloadSize += payload?.body.length ?? 0;
    }
    const bytes = formats.inputResponse.serialize({ aggregatedPayloadSize });
    return answered([{ isCompressed: false, bytes }]);
  },
  StreamingOutputCall: ([message]) => {
    const { responseParameters = [] } = read(formats.outputRequest, message!);
    return answered(
      responseParameters.map(({ size = 0, compressed }) => ({
        isCompressed: compressed?.value ?? false,
        bytes: formats.outputResponse.serialize({ payload: { body: Buffer.alloc(size) } }),
      })),
    );
  },
};

const refused: Answer = { code: status.INVALID_ARGUMENT, messages: [] };
const answered = (messages: readonly Message[]): Answer => ({ code: status.OK, messages });

const read = <T>({ deserialize }: Format<T>, { isCompressed, bytes }: Message): T =>
  deserialize(isCompressed ? gunzipSync(bytes) : bytes);

const PREFIX_BYTES = 5;

function split(body: Buffer): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + PREFIX_BYTES + body.readUInt32BE(at + 1);
    const bytes = body.subarray(at + PREFIX_BYTES, end);
    messages.push({ isCompressed: body[at] === 1, bytes });
    at = end;
  }
  return messages;
}

function respond(stream: ServerHttp2Stream, { code, messages }: Answer): void {
  const head = {
    ":status": 200,
    "content-type": "application/grpc",
    "grpc-encoding": "gzip",
  };
  stream.respond(head, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": String(code) }));
  for (const { isCompressed, bytes } of messages) {
    const sent = isCompressed ? gzipSync(bytes) : bytes;
    const prefix = Buffer.alloc(PREFIX_BYTES);
    prefix[0] = isCompressed ? 1 : 0;
    prefix.writeUInt32BE(sent.length, 1);
    stream.write(prefix);
    stream.write(sent);
  }
  stream.end();
}
