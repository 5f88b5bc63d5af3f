// The server of gRPC's interoperability tests, by grpc-js: each of its features is one sentence of
// the description. Besides, it says how much of the caller's deadline it was told, and how many
// calls have begun and ended.
// https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md#server
import {
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import type { MemberCertificates } from "../tls/files.ts";
import {
  type Format,
  formats,
  type InputRequest,
  type InputResponse,
  type OutputRequest,
  type OutputResponse,
  type SimpleRequest,
  type SimpleResponse,
} from "./messages.ts";

const method = <Q, A>(
  path: string,
  request: Format<Q>,
  response: Format<A>,
  streams: { readonly up?: boolean; readonly down?: boolean } = {},
) => ({
  path,
  requestStream: streams.up ?? false,
  responseStream: streams.down ?? false,
  requestSerialize: request.serialize,
  requestDeserialize: request.deserialize,
  responseSerialize: response.serialize,
  responseDeserialize: response.deserialize,
});

const { empty, simpleRequest, simpleResponse, inputRequest, inputResponse } = formats;
const { outputRequest, outputResponse } = formats;
const service = "/grpc.testing.TestService";

export const methods = {
  emptyCall: method(`${service}/EmptyCall`, empty, empty),
  unaryCall: method(`${service}/UnaryCall`, simpleRequest, simpleResponse),
  inputCall: method(`${service}/StreamingInputCall`, inputRequest, inputResponse, { up: true }),
  outputCall: method(`${service}/StreamingOutputCall`, outputRequest, outputResponse, {
    down: true,
  }),
  duplexCall: method(`${service}/FullDuplexCall`, outputRequest, outputResponse, {
    up: true,
    down: true,
  }),
} satisfies ServiceDefinition;

/** Neither of them is implemented. */
export const missing = {
  method: method(`${service}/UnimplementedCall`, empty, empty),
  service: method("/grpc.testing.UnimplementedService/UnimplementedCall", empty, empty),
};

export const INITIAL = "x-grpc-test-echo-initial";
export const TRAILING = "x-grpc-test-echo-trailing-bin";
/** Milliseconds that were left of the deadline; "Infinity" without one. */
export const DEADLINE_LEFT = "x-deadline-left";

export interface InteropServer extends Disposable {
  readonly port: number;
  /** Calls with a stream from the client. */
  readonly begun: () => number;
  /** Those of them that are over. */
  readonly ended: () => number;
}

type Watch = (call: { on(event: "cancelled", listener: () => void): unknown }) => void;

/** @param member with mutual TLS, as this member */
export async function startInteropServer(member?: MemberCertificates): Promise<InteropServer> {
  const server = new Server();
  let [begun, ended] = [0, 0];
  const watch: Watch = (call) => {
    begun++;
    // At the end of every call, however it has come.
    call.on("cancelled", () => void ended++);
  };
  server.addService(methods, {
    emptyCall: ((_call, answer) => answer(null, {})) satisfies handleUnaryCall<object, object>,
    unaryCall: unary,
    inputCall: collect(watch),
    outputCall: output,
    duplexCall: duplex(watch),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", credentialsOf(member), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    begun: () => begun,
    ended: () => ended,
    [Symbol.dispose]: () => server.forceShutdown(),
  };
}

function credentialsOf(member?: MemberCertificates): ServerCredentials {
  if (member === undefined) return ServerCredentials.createInsecure();
  const { ca, certificate, key } = member;
  const pair = { cert_chain: Buffer.from(certificate), private_key: Buffer.from(key) };
  return ServerCredentials.createSsl(Buffer.from(ca), [pair], true);
}

interface Asked {
  readonly metadata: Metadata;
  getDeadline(): Date | number;
  sendMetadata(metadata: Metadata): void;
}

/** "Echo Metadata": answers the initial metadata, and has the trailing one. */
function echoMetadata(call: Asked): Metadata {
  const initial = new Metadata();
  for (const value of call.metadata.get(INITIAL)) initial.add(INITIAL, value);
  const deadline = Number(call.getDeadline());
  initial.set(DEADLINE_LEFT, String(deadline - Date.now()));
  call.sendMetadata(initial);
  const trailing = new Metadata();
  for (const value of call.metadata.get(TRAILING)) trailing.add(TRAILING, value);
  return trailing;
}

const payloadOf = (size = 0): { payload: { body: Buffer } } => {
  return { payload: { body: Buffer.alloc(size) } };
};

const unary: handleUnaryCall<SimpleRequest, SimpleResponse> = (call, answer) => {
  const trailing = echoMetadata(call);
  const { responseStatus: wanted, responseSize } = call.request;
  if (wanted) answer({ code: wanted.code, details: wanted.message, metadata: trailing });
  else answer(null, payloadOf(responseSize), trailing);
};

function collect(watch: Watch): handleClientStreamingCall<InputRequest, InputResponse> {
  return (call, answer) => {
    let aggregatedPayloadSize = 0;
    watch(call);
    call.on("data", ({ payload }: InputRequest) => {
      aggregatedPayloadSize += payload?.body.length ?? 0;
    });
    call.on("end", () => answer(null, { aggregatedPayloadSize }));
  };
}

const output: handleServerStreamingCall<OutputRequest, OutputResponse> = (call) => {
  for (const { size } of call.request.responseParameters ?? []) call.write(payloadOf(size));
  call.end();
};

function duplex(watch: Watch): handleBidiStreamingCall<OutputRequest, OutputResponse> {
  return (call) => {
    const trailing = echoMetadata(call);
    let hasFailed = false;
    watch(call);
    call.on("data", ({ responseStatus: wanted, responseParameters = [] }: OutputRequest) => {
      if (hasFailed) return;
      for (const { size } of responseParameters) call.write(payloadOf(size));
      if (wanted === undefined) return;
      hasFailed = true;
      call.emit("error", { code: wanted.code, details: wanted.message, metadata: trailing });
    });
    call.on("end", () => {
      if (!hasFailed) call.end(trailing);
    });
  };
}
