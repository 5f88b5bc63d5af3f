export type {
  GrpcCertificates,
  GrpcTlsOptions,
  GrpcTransportStats,
} from "@compendium/runtime/grpc";
export { GrpcTransport, type GrpcTransportOptions } from "./grpc-transport.ts";
