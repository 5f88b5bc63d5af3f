// A unary call of gRPC, both directions of it, as frames that are made once.
import { Flag, Frame, frame, indexed, literal, patchStream } from "./h2-frames.ts";

/** The method that is called. */
export const method = "/bench.Echo/Say";
/** What is said, and said back. */
export const said: Buffer = Buffer.alloc(100, "g");

const prefix = Buffer.of(0, 0, 0, 0, said.length);
/** As it stands in DATA: not compressed, its length, itself. */
export const grpcMessage: Buffer = Buffer.concat([prefix, said]);

// Entries of the static table (RFC 7541, appendix A).
const methodPost = Buffer.of(0x83);
const schemeHttp = Buffer.of(0x86);
const authority = 1;
const path = 4;
const contentType = 31;
const userAgent = 58;
/** ":status: 200" as one byte. */
export const status200 = 0x88;

const requestHead = frame(
  Frame.headers,
  Flag.endHeaders,
  0,
  Buffer.concat([
    methodPost,
    schemeHttp,
    indexed(path, method),
    indexed(authority, "bench.test"),
    literal("te", "trailers"),
    indexed(contentType, "application/grpc"),
    indexed(userAgent, "grpc-bench/1.0"),
    literal("grpc-accept-encoding", "identity,deflate,gzip"),
    literal("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
  ]),
);
const requestBody = frame(Frame.data, Flag.endStream, 0, grpcMessage);
const responseHead = frame(
  Frame.headers,
  Flag.endHeaders,
  0,
  Buffer.concat([
    Buffer.of(status200),
    indexed(contentType, "application/grpc"),
    literal("grpc-accept-encoding", "identity,deflate,gzip"),
  ]),
);
const responseBody = frame(Frame.data, 0, 0, grpcMessage);
const responseEnd = frame(
  Frame.headers,
  Flag.endHeaders | Flag.endStream,
  0,
  literal("grpc-status", "0"),
);

const calls = [requestHead, requestBody];
const answers = [responseHead, responseBody, responseEnd];

/** The frames of a call. */
export function call(stream: number): Buffer {
  return onStream(calls, stream);
}

/** The frames of its answer. */
export function answer(stream: number): Buffer {
  return onStream(answers, stream);
}

function onStream(frames: readonly Buffer[], stream: number): Buffer {
  const bytes = Buffer.concat(frames);
  let at = 0;
  for (const { length } of frames) {
    patchStream(bytes, at, stream);
    at += length;
  }
  return bytes;
}
