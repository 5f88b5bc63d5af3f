// A grpc-js server and client of one service with all four kinds of method, over plain bytes: no
// .proto to load.
import { once } from "node:events";
import {
  type AddressInfo,
  connect,
  createServer,
  type Server as NetServer,
  type Socket,
} from "node:net";
import { type Pipeline, retry } from "@compendium/resilience";
import { clientInterceptor, type GrpcClientOptions } from "@compendium/resilience/grpc";
import {
  type Client,
  type ClientOptions,
  credentials,
  Metadata,
  type MethodDefinition,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServerOptions,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  type status,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import { until } from "./servers.ts";

const bytes = (value: Buffer) => value;
const method = (name: string, requestStream: boolean, responseStream: boolean) =>
  ({
    path: `/test.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  }) satisfies MethodDefinition<Buffer, Buffer>;

/** The service. */
export const ECHO = {
  Unary: method("Unary", false, false),
  Serve: method("Serve", false, true),
  Gather: method("Gather", true, false),
  Chat: method("Chat", true, true),
};

/** A unary call, as its handler sees it. */
export type Unary = ServerUnaryCall<Buffer, Buffer>;
/** Answers a unary call. */
export type Callback = sendUnaryData<Buffer>;
/** A call with a stream of responses, as its handler sees it. */
export type Streaming = ServerWritableStream<Buffer, Buffer>;

/** A retry that hardly waits. */
export const again = (options = {}) => retry({ backoff: { baseMs: 1 }, ...options });
/** Client options with a pipeline around every call. */
export const client = (policies: Pipeline, options: GrpcClientOptions = { idempotent: true }) => ({
  interceptors: [clientInterceptor(policies, options)],
});
/** An end of a call. */
export const failing = (code: status, metadata = new Metadata()) => ({
  code,
  details: "no",
  metadata,
});
/** Metadata without entries. */
export const none = () => new Metadata();

/** How a unary call ended: the response, or the error. */
export type Ended = { value: string; metadata: string[] } | ServiceError;

/** Server and client, closed together, with a wire between them that can be cut. */
export class GrpcRig implements AsyncDisposable {
  readonly server: Server;
  client!: Client;
  readonly #wire = new Set<Socket>();
  #proxy!: NetServer;

  private constructor(options: ServerOptions) {
    this.server = new Server(options);
  }

  static async start(
    handlers: Partial<Record<keyof typeof ECHO, UntypedHandleCall>>,
    client: ClientOptions = {},
    server: ServerOptions = {},
  ): Promise<GrpcRig> {
    const rig = new GrpcRig(server);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    rig.server.addService(ECHO, handlers as Record<string, UntypedHandleCall>);
    rig.server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
    const port = await promise;
    rig.#proxy = createServer((socket) => rig.#connect(socket, connect(port, "127.0.0.1")));
    rig.#proxy.listen(0, "127.0.0.1");
    await once(rig.#proxy, "listening");
    const address = `127.0.0.1:${(rig.#proxy.address() as AddressInfo).port}`;
    const Echo = makeGenericClientConstructor(ECHO, "Echo");
    // A pool of its own: grpc-js shares connections between clients of a process otherwise.
    const options = { ...client, "grpc.use_local_subchannel_pool": 1 };
    rig.client = new Echo(address, credentials.createInsecure(), options);
    return rig;
  }

  /** Resets every connection. */
  reset(): void {
    for (const socket of this.#wire) socket.resetAndDestroy();
  }

  #connect(client: Socket, server: Socket): void {
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#wire.add(from);
      // Without it, what is piped may wait 40 ms for an acknowledgement that is delayed as well.
      from.setNoDelay(true);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#wire.delete(from);
        to.destroySoon();
      });
      from.pipe(to);
    }
  }

  /** Makes a unary call and waits for its end. */
  async unary(request: string, metadata: Metadata, options: object = {}): Promise<Ended> {
    return await new Promise((resolve) => {
      const { path } = ECHO.Unary;
      const done = (error: ServiceError | null, value?: Buffer) =>
        resolve(error ?? { value: String(value), metadata: [] });
      this.client.makeUnaryRequest(
        path,
        bytes,
        bytes,
        Buffer.from(request),
        metadata,
        options,
        done,
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await new Promise<void>((resolve) => this.server.tryShutdown(() => resolve()));
    // Nobody may hold on to a connection now.
    await until(() => this.#wire.size === 0);
    this.#proxy.close();
  }
}
