// The least that a proxy of HTTP/2 on Node can do: one session to upstream, and each stream piped
// into one of its own, with its fields and trailers. No proxy of npm passes gRPC on; this says what
// of the sidecar's time is node:http2's.
import {
  type ClientHttp2Stream,
  connect,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { readArguments, sayPort } from "./listen.ts";

const { upstream } = readArguments();
const session = connect(upstream);

function pass(down: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  const up: ClientHttp2Stream = session.request(headers);
  let trailers: IncomingHttpHeaders = {};
  up.on("response", (fields) => down.respond(fields, { waitForTrailers: true }));
  up.on("trailers", (fields) => {
    trailers = fields;
  });
  down.on("wantTrailers", () => down.sendTrailers(trailers));
  down.pipe(up);
  up.pipe(down);
}

const server = createServer();
server.on("stream", pass);
server.listen(0, "127.0.0.1", () => sayPort((server.address() as AddressInfo).port));
