export type { LinkLimits } from "../link/queued-link.ts";
export { GrpcTransport, type GrpcTransportOptions } from "./grpc-transport.ts";
