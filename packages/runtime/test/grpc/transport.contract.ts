// The contract of every transport, on gRPC: for the transport of this package, and for those that
// give its service a name of their own.
import { once } from "node:events";
import * as net from "node:net";
import type { GrpcTransport, GrpcTransportOptions } from "@compendium/runtime/grpc";
import { describe, onTestFinished } from "vitest";
import { describeTransport } from "../transport.contract.ts";

const limits = { messageBytesMax: 65_536, queueBytesMax: 300_000, inboxBytesMax: 100_000 };

/** Defines the tests for one way to make the transport. */
export function describeGrpcTransport(
  make: (options: GrpcTransportOptions) => GrpcTransport,
): void {
  const transport = (options: GrpcTransportOptions): GrpcTransport => {
    const made = make({ lingerMs: 200, ...options });
    onTestFinished(() => made.close());
    return made;
  };
  describe("GrpcTransport", () => {
    describeTransport(async () => {
      const unused = net.createServer().listen(0, "127.0.0.1");
      await once(unused, "listening");
      const { port } = unused.address() as net.AddressInfo;
      unused.close();
      await once(unused, "close");
      return {
        a: transport(limits),
        b: transport(limits),
        address: "127.0.0.1:0",
        deserted: `127.0.0.1:${port}`,
        messageBytesMax: 65_536,
      };
    });
  });
}
