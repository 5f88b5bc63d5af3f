// gRPC, both sides, for @grpc/grpc-js: client calls through a pipeline (grpc-client.ts), methods of
// a server behind one (grpc-server.ts), and what status codes mean to either (grpc-status.ts). No
// wire format of our own: deadlines travel as grpc-timeout, waits as grpc-retry-pushback-ms.
export { clientInterceptor, type GrpcClientOptions, idempotentMethods } from "./grpc-client.ts";
export { callOf, type GrpcServerOptions, serverInterceptor } from "./grpc-server.ts";
export { GrpcFailure, grpcStatusOf, isFailureCode } from "./grpc-status.ts";
