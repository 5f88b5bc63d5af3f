// The sentences of every protocol over gRPC, on that of nodes.
import path from "node:path";
import { GrpcTransport } from "@compendium/crdt-sync/grpc";
import { describe } from "vitest";
import { describeService } from "../../../runtime/test/grpc/service.contract.ts";

describe("sync.proto", () => {
  describeService({
    GrpcTransport,
    proto: path.join(import.meta.dirname, "../../src/grpc/sync.proto"),
    service: "compendium.crdtsync.v1.Sync",
  });
});
