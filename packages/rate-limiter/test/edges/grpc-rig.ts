// A grpc-js server and client of one service over plain bytes: no .proto to load.
import type { Limiter, RateLimitInterceptorOptions } from "@compendium/rate-limiter/grpc";
import { rateLimitInterceptor } from "@compendium/rate-limiter/grpc";
import {
  type Client,
  type ClientOptions,
  credentials,
  Metadata,
  type MethodDefinition,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  type UntypedHandleCall,
} from "@grpc/grpc-js";

const bytes = (value: Buffer) => value;
const method = (name: string, responseStream: boolean) =>
  ({
    path: `/test.Echo/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  }) satisfies MethodDefinition<Buffer, Buffer>;

/** The service. */
export const ECHO = { Unary: method("Unary", false), Serve: method("Serve", true) };

/** A unary call, as its handler sees it. */
export type Unary = ServerUnaryCall<Buffer, Buffer>;
/** Answers a unary call. */
export type Callback = sendUnaryData<Buffer>;
/** A call with a stream of responses, as its handler sees it. */
export type Streaming = ServerWritableStream<Buffer, Buffer>;

/** How a unary call ended. */
export interface Ended {
  readonly code: number;
  readonly details: string;
  /** What the server says about another try. */
  readonly pushback: string | undefined;
}

/** Server and client, closed together. */
export class GrpcRig implements AsyncDisposable {
  readonly #server: Server;
  readonly client: Client;

  private constructor(server: Server, client: Client) {
    this.#server = server;
    this.client = client;
  }

  static async start(
    limiter: Limiter,
    options: RateLimitInterceptorOptions,
    handlers: Partial<Record<keyof typeof ECHO, UntypedHandleCall>>,
    client: ClientOptions = {},
  ): Promise<GrpcRig> {
    const server = new Server({ interceptors: [rateLimitInterceptor(limiter, options)] });
    server.addService(ECHO, handlers as Record<string, UntypedHandleCall>);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
    const address = `127.0.0.1:${await promise}`;
    const Echo = makeGenericClientConstructor(ECHO, "Echo");
    // A pool of its own: grpc-js shares connections between clients of a process otherwise.
    const channel = { ...client, "grpc.use_local_subchannel_pool": 1 };
    return new GrpcRig(server, new Echo(address, credentials.createInsecure(), channel));
  }

  /** Makes a unary call and waits for its end. */
  async unary(entries: Record<string, string> = {}, options: object = {}): Promise<Ended> {
    return await new Promise((resolve) => {
      const done = (error: ServiceError | null) =>
        resolve({
          code: error?.code ?? 0,
          details: error?.details ?? "",
          pushback: error?.metadata.get("grpc-retry-pushback-ms")[0]?.toString(),
        });
      this.begin(entries, options, done);
    });
  }

  /** Begins a unary call, which can be cancelled. */
  begin(
    entries: Record<string, string> = {},
    options: object = {},
    done: (error: ServiceError | null) => void = () => {},
  ) {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(entries)) metadata.set(name, value);
    const request = Buffer.from("x");
    const { path } = ECHO.Unary;
    return this.client.makeUnaryRequest(path, bytes, bytes, request, metadata, options, done);
  }

  /** Begins a call with a stream of responses. */
  stream() {
    return this.client.makeServerStreamRequest(ECHO.Serve.path, bytes, bytes, Buffer.from("x"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
  }
}
