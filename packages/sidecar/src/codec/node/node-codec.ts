// The reference codec: HTTP by node:http and node:http2, with the rules of ../rules before them. It
// is what a faster codec is measured by, and held against: both pass the same tests.
import type { Socket } from "node:net";
import { type Clock, systemClock } from "@compendium/runtime";
import type {
  ClientCodec,
  ClientConnection,
  Codec,
  CodecLimits,
  CodecStats,
  PeerInfo,
  Protocol,
  RequestHead,
  ServerCodec,
  ServerConnection,
  ServerOptions,
  ServerStream,
  StreamReceiver,
} from "../codec.ts";
import { defaultFloodLimits, type FloodLimits } from "../rules/http2-floods.ts";
import { Counters } from "./counters.ts";
import { Http1ClientConnection } from "./http1-client.ts";
import { Http1Server } from "./http1-server.ts";
import { Http2ClientConnection } from "./http2-client.ts";
import { Http2ServerConnection } from "./http2-server.ts";

/** What the codec is made of. */
export interface NodeCodecOptions {
  /** Default: the process's. */
  readonly clock?: Clock;
  /** What a client of HTTP/2 may do before it is cut off, where it is not the default. */
  readonly floods?: Partial<FloodLimits>;
}

/** HTTP/1.0, HTTP/1.1 and HTTP/2 on Node's own modules. */
export class NodeCodec implements Codec {
  readonly #clock: Clock;
  readonly #counters = new Counters();
  readonly #floods: FloodLimits;

  constructor({ clock = systemClock, floods = {} }: NodeCodecOptions = {}) {
    this.#clock = clock;
    this.#floods = { ...defaultFloodLimits, ...floods };
  }

  server(
    options: ServerOptions,
    onStream: (stream: ServerStream) => StreamReceiver<RequestHead>,
  ): ServerCodec {
    const floods = this.#floods;
    const shared = { options, clock: this.#clock, counters: this.#counters, floods, onStream };
    const http1 = new Http1Server(shared);
    return {
      accept(socket: Socket, peer: PeerInfo, protocol: Protocol): ServerConnection {
        if (protocol === "h2") return new Http2ServerConnection(shared, socket, peer);
        return http1.accept(socket, peer);
      },
    };
  }

  client(limits: CodecLimits): ClientCodec {
    const shared = { limits, clock: this.#clock, counters: this.#counters };
    return {
      open(
        socket: Socket,
        _peer: PeerInfo,
        protocol: Protocol,
        onCapacity: () => void,
      ): ClientConnection {
        return protocol === "h2"
          ? new Http2ClientConnection(shared, socket, onCapacity)
          : new Http1ClientConnection(shared, socket, onCapacity);
      },
    };
  }

  stats(): CodecStats {
    return this.#counters.snapshot();
  }
}
