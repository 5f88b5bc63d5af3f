// The sentences of every protocol over gRPC, on that of a group's members.
import path from "node:path";
import { GrpcTransport } from "@compendium/raft/grpc";
import { describe } from "vitest";
import { describeService } from "../../../runtime/test/grpc/service.contract.ts";

describe("peers.proto", () => {
  describeService({
    GrpcTransport,
    proto: path.join(import.meta.dirname, "../../src/grpc/peers.proto"),
    service: "compendium.raft.v1.Peers",
  });
});
