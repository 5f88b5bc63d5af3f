// Links between the members of a group over gRPC: the transport of @compendium/runtime, under a
// name of their own (peers.proto), so that a member which dials a port of another protocol is
// refused before it has said a word.
import {
  type GrpcTransportOptions as AnyOptions,
  GrpcTransport as AnyTransport,
} from "@compendium/runtime/grpc";

/** Options of {@link GrpcTransport}: those of the transport of `@compendium/runtime/grpc`. */
export type GrpcTransportOptions = Omit<AnyOptions, "service">;

/** This process's access to its group over gRPC. Disposing closes its listeners and links. */
export class GrpcTransport extends AnyTransport {
  /**
   * Throws a RangeError when an option is out of range, a TypeError when a certificate is missing,
   * and what Node says of certificates that it cannot use.
   */
  constructor(options: GrpcTransportOptions = {}) {
    super({ ...options, service: "compendium.raft.v1.Peers" });
  }
}
