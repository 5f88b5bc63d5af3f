// The contract of every transport, on gRPC.
import { GrpcTransport } from "@compendium/raft/grpc";
import { describeGrpcTransport } from "../../../runtime/test/grpc/transport.contract.ts";

describeGrpcTransport((options) => new GrpcTransport(options));
