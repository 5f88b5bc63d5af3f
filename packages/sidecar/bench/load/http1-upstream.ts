// The service behind the proxies, on bare sockets: it answers with prebuilt bytes, and never
// closes a connection. A request that is none of this bench's is an error of the proxy's.
import { createServer, type Server, type Socket } from "node:net";
import { RequestReader } from "./messages.ts";

/** Listens on a port of this machine's own; `onError` hears what a proxy got wrong. */
export function startHttp1Upstream(onError: (error: Error) => void): Server {
  const server = createServer({ noDelay: true }, (socket: Socket) => {
    const reader = new RequestReader();
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes) => {
      try {
        if (reader.push(bytes)) socket.write(reader.answer);
      } catch (error) {
        onError(error as Error);
        socket.destroy();
      }
    });
  });
  return server.listen(0, "127.0.0.1");
}
