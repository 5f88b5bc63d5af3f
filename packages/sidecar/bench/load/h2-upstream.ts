// The gRPC service behind the proxies: whatever is called, it gives the answer back once the call
// has ended, when that carried the message.
import { createServer, type Server, type Socket } from "node:net";
import { answer, grpcMessage } from "./grpc-messages.ts";
import { answerTo, Flag, Frame, FrameReader, opening, preface } from "./h2-frames.ts";

/** Listens on a port of this machine's own; `onError` hears what a proxy got wrong. */
export function startH2Upstream(onError: (error: Error) => void): Server {
  const server = createServer({ noDelay: true }, (socket) => serve(socket, onError));
  return server.listen(0, "127.0.0.1");
}

function serve(socket: Socket, onError: (error: Error) => void): void {
  const bytesOf = new Map<number, number>();
  let out: Buffer[] = [opening];
  let prefaceBytes = 0;
  const reader = new FrameReader((type, flags, stream, payload) => {
    if (type === Frame.reset || type === Frame.goAway) return;
    const isOfCall = type === Frame.data || type === Frame.headers;
    if (!isOfCall) {
      const reply = answerTo(type, flags, payload);
      if (reply !== undefined) out.push(reply);
      return;
    }
    const bytes = (bytesOf.get(stream) ?? 0) + (type === Frame.data ? payload.length : 0);
    bytesOf.set(stream, bytes);
    if (!(flags & Flag.endStream)) return;
    bytesOf.delete(stream);
    if (bytes !== grpcMessage.length) throw new Error(`a call of ${bytes} bytes`);
    out.push(answer(stream));
  });
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    const skipped = Math.min(preface.length - prefaceBytes, chunk.length);
    prefaceBytes += skipped;
    try {
      reader.push(chunk.subarray(skipped));
    } catch (error) {
      onError(error as Error);
      socket.destroy();
    }
    if (out.length > 0) socket.write(Buffer.concat(out));
    out = [];
  });
}
