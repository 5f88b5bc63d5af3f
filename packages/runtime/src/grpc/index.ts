export {
  GrpcTransport,
  type GrpcTransportOptions,
  type GrpcTransportStats,
} from "./grpc-transport.ts";
export type { GrpcCertificates, GrpcTlsOptions } from "./tls.ts";
