// Links between nodes over gRPC: the transport of @compendium/runtime, under a name of their own
// (sync.proto), so that a node which dials a port of another protocol is refused before it has said
// a word. What a node says in one turn shares a frame; with `tls`, members of one authority meet,
// and nobody else.
import {
  type GrpcTransportOptions as AnyOptions,
  GrpcTransport as AnyTransport,
} from "@compendium/runtime/grpc";

/** Options of {@link GrpcTransport}: those of the transport of `@compendium/runtime/grpc`. */
export type GrpcTransportOptions = Omit<AnyOptions, "service">;

/** Access to a network of nodes over gRPC. Disposing closes its listeners and links. */
export class GrpcTransport extends AnyTransport {
  /**
   * Throws a RangeError when an option is out of range, a TypeError when a certificate is missing,
   * and what Node says of certificates that it cannot use.
   */
  constructor(options: GrpcTransportOptions = {}) {
    super({ ...options, service: "compendium.crdtsync.v1.Sync" });
  }
}
