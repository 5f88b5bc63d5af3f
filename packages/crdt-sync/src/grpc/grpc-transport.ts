// Links over gRPC: one long-lived bidirectional call for each; sync.proto says what travels over
// it. Addresses are "host:port". HTTP/2's flow control is what stops a peer whose messages are not
// read: beside what is in our own queues, gRPC holds up to sixteen messages in each direction.
import {
  type ConnectOptions,
  type Link,
  type Listener,
  RuntimeError,
  type Transport,
} from "@compendium/runtime";
import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  status,
} from "@grpc/grpc-js";
import {
  hostAndPort,
  type LinkLimits,
  linkLimits,
  listenFailed,
  QueuedLink,
  type Wire,
} from "../link/queued-link.ts";
import { Reader, Writer } from "../wire/bytes.ts";

/** Options of {@link GrpcTransport}. */
export interface GrpcTransportOptions extends LinkLimits {
  /** Links that a listener holds at a time; further calls are refused. Default 1,024. */
  readonly linksMax?: number;
  /** For connecting. Default: none, in the clear. */
  readonly credentials?: ChannelCredentials;
  /** For listening. Default: none, in the clear. */
  readonly serverCredentials?: ServerCredentials;
}

/** Access to a gRPC network. */
export class GrpcTransport implements Transport {
  readonly #limits: Required<LinkLimits>;
  readonly #options: GrpcTransportOptions;
  readonly #linksMax: number;

  constructor(options: GrpcTransportOptions = {}) {
    const { linksMax = 1_024 } = options;
    if (!(Number.isSafeInteger(linksMax) && linksMax >= 1)) {
      throw new RangeError(`linksMax must be an integer from 1, got ${linksMax}`);
    }
    this.#limits = linkLimits(options);
    this.#options = options;
    this.#linksMax = linksMax;
  }

  async listen(address: string, accept: (link: Link) => void): Promise<Listener> {
    const { host } = hostAndPort(address);
    const server = new Server(this.#settings());
    let links = 0;
    server.addService(
      { Link: LINK },
      {
        Link: (call: Call) => {
          if (links >= this.#linksMax) {
            const refusal = { code: status.RESOURCE_EXHAUSTED, details: "too many links" };
            return void call.emit("error", refusal);
          }
          links++;
          // The headers say that it is a link: the other end waits for them.
          call.sendMetadata(new Metadata());
          const link = this.#link(new ServerWire(call));
          link.closed.then(() => links--);
          accept(link);
        },
      },
    );
    const { serverCredentials = ServerCredentials.createInsecure() } = this.#options;
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(address, serverCredentials, (cause, bound) => {
        if (cause === null) return resolve(bound);
        const isTaken = cause.message.includes("EADDRINUSE");
        const reason = Object.assign(cause, isTaken && { code: "EADDRINUSE" });
        reject(listenFailed(address, reason as NodeJS.ErrnoException));
      });
    });
    // Waits for the links, which live on.
    const close = async (): Promise<void> => server.tryShutdown(() => {});
    const [open, shut] = host.includes(":") ? ["[", "]"] : ["", ""];
    return { address: `${open}${host}${shut}:${port}`, close, [Symbol.asyncDispose]: close };
  }

  async connect(address: string, { signal }: ConnectOptions = {}): Promise<Link> {
    signal?.throwIfAborted();
    const channel = this.#options.credentials ?? credentials.createInsecure();
    const client = new Client(address, channel, this.#settings());
    const { requestSerialize, responseDeserialize } = LINK;
    const call = client.makeBidiStreamRequest(LINK.path, requestSerialize, responseDeserialize);
    return await new Promise<Link>((resolve, reject) => {
      const fail = (reason: unknown): void => {
        signal?.removeEventListener("abort", onAbort);
        call.cancel();
        client.close();
        reject(reason);
      };
      const onAbort = (): void => fail(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      const onError = (cause: Error): void => {
        const message = `connect to ${address}: ${cause.message}`;
        fail(new RuntimeError("CONNECT_FAILED", message, cause));
      };
      call.on("error", onError);
      call.once("metadata", () => {
        signal?.removeEventListener("abort", onAbort);
        call.off("error", onError);
        resolve(this.#link(new ClientWire(call, client, address)));
      });
    });
  }

  #link(wire: CallWire): Link {
    const link = new QueuedLink(wire, this.#limits);
    wire.carry(link);
    return link;
  }

  #settings(): Record<string, number> {
    return {
      // A connection that several links share would be one window for all of them.
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_retries": 0,
      "grpc.max_receive_message_length": this.#limits.messageBytesMax + 16,
      "grpc.max_send_message_length": -1,
    };
  }
}

type Call = ServerDuplexStream<Uint8Array, Uint8Array>;

/** The method, as sync.proto declares it. */
const LINK: MethodDefinition<Uint8Array, Uint8Array> = {
  path: "/compendium.crdtsync.v1.Sync/Link",
  requestStream: true,
  responseStream: true,
  requestSerialize: wrap,
  requestDeserialize: unwrap,
  responseSerialize: wrap,
  responseDeserialize: unwrap,
};

// Field 1, wire type 2: its length follows.
const DATA = 0x0a;

function wrap(data: Uint8Array): Buffer {
  return Buffer.from(new Writer().number(DATA).blob(data).done().buffer);
}

function unwrap(message: Uint8Array): Uint8Array {
  const reader = new Reader(new Uint8Array(message.buffer, message.byteOffset, message.length));
  // protobuf leaves out a field that is empty.
  if (reader.left === 0) return new Uint8Array();
  reader.number(DATA, DATA);
  const data = reader.blob();
  reader.finish();
  return data;
}

// What both ends of a call have in common.
interface Stream {
  on(event: "data", listener: (message: Uint8Array) => void): unknown;
  on(event: "end" | "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error & { code?: number }) => void): unknown;
  write(message: Uint8Array, written: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
  end(): unknown;
}

abstract class CallWire implements Wire {
  readonly peer: string;
  protected readonly stream: Stream;
  #link: QueuedLink | undefined;
  #isOver = false;

  constructor(stream: Stream, peer: string) {
    this.stream = stream;
    this.peer = peer;
  }

  carry(link: QueuedLink): void {
    this.#link = link;
    this.stream.on("data", (message) => link.onMessage(message));
    this.stream.on("error", ({ code, message }) => {
      const isTooLarge = code === status.RESOURCE_EXHAUSTED;
      this.fault(new RuntimeError(isTooLarge ? "FRAME_TOO_LARGE" : "LINK_BROKEN", message));
    });
  }

  /** It is gone, for a reason or for none. */
  protected over(fault?: RuntimeError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (fault !== undefined) this.#link?.onFault(fault);
    this.#link?.onClosed();
  }

  protected fault(fault: RuntimeError): void {
    this.over(fault);
  }

  write(message: Uint8Array, written: () => void): void {
    this.stream.write(message, written);
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  end(): void {
    this.stream.end();
  }

  abstract destroy(): void;
}

class ServerWire extends CallWire {
  readonly #call: Call;

  constructor(call: Call) {
    super(call, call.getPeer());
    this.#call = call;
    call.on("end", () => {
      call.end();
      this.over();
    });
    call.on("cancelled", () => {
      this.over(new RuntimeError("LINK_BROKEN", `${this.peer}: the call was cancelled`));
    });
  }

  override end(): void {
    this.#call.end();
    this.over();
  }

  destroy(): void {
    // An error with a status ends the call.
    if (!this.#call.destroyed && !this.#call.cancelled) {
      this.#call.emit("error", { code: status.ABORTED, details: "the link was destroyed" });
    }
    this.over();
  }
}

class ClientWire extends CallWire {
  readonly #call: ClientDuplexStream<Uint8Array, Uint8Array>;
  readonly #client: Client;

  constructor(call: ClientDuplexStream<Uint8Array, Uint8Array>, client: Client, peer: string) {
    super(call, peer);
    this.#call = call;
    this.#client = client;
    call.on("status", ({ code, details }) => {
      this.over(code === status.OK ? undefined : new RuntimeError("LINK_BROKEN", details));
      client.close();
    });
  }

  destroy(): void {
    this.#call.cancel();
    this.#client.close();
    this.over();
  }
}
