// What a gRPC status would be in HTTP (Envoy's Grpc::Utility::grpcToHttpStatus). A gRPC server says
// that it has failed in a response of 200; whoever judges a host by its answers has to look twice.
import type { ResponseHead } from "../codec/codec.ts";

// By the number of the status, from 0 on.
const httpStatuses: readonly number[] = [
  200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
];

/** The status that an answer to a gRPC call amounts to, as far as its head tells. */
export function statusOfGrpcAnswer({ status, fields }: ResponseHead): number {
  const grpcStatus = fields.get("grpc-status");
  if (grpcStatus === undefined || status !== 200) return status;
  return httpStatuses[Number(grpcStatus)] ?? 500;
}
