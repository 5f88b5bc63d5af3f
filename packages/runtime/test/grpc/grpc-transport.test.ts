// The contract of every transport, on gRPC.
import { once } from "node:events";
import * as net from "node:net";
import { GrpcTransport, type GrpcTransportOptions } from "@compendium/runtime/grpc";
import { describe, onTestFinished } from "vitest";
import { describeTransport } from "../transport.contract.ts";

const limits = { messageBytesMax: 65_536, queueBytesMax: 300_000, inboxBytesMax: 100_000 };

function transport(options?: GrpcTransportOptions): GrpcTransport {
  const made = new GrpcTransport({ lingerMs: 200, ...options });
  onTestFinished(() => made.close());
  return made;
}

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
