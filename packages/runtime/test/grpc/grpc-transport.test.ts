// The contract of every transport, on gRPC.
import { GrpcTransport } from "@compendium/runtime/grpc";
import { describeGrpcTransport } from "./transport.contract.ts";

describeGrpcTransport((options) => new GrpcTransport(options));
