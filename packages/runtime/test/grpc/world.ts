// What the tests of links over gRPC share: transports that close with their test, both ends of a
// link, and clients that speak gRPC, HTTP/2 or nothing at all.
import { once } from "node:events";
import * as net from "node:net";
import type { Link } from "@compendium/runtime";
import type { GrpcTransport, GrpcTransportOptions } from "@compendium/runtime/grpc";
import { Client, type ClientDuplexStream, credentials, Metadata } from "@grpc/grpc-js";

/** The package, or a copy of it with a bug in it. */
export interface Subject {
  readonly GrpcTransport: new (options?: GrpcTransportOptions) => GrpcTransport;
}

/** A sentence that a package keeps, or fails with an error. */
export interface Trap {
  readonly name: string;
  readonly run: (world: World) => Promise<void>;
}

export const LOCAL = "127.0.0.1:0";
export const LINK_PATH = "/compendium.runtime.v1.Links/Link";

/** What one test opens; disposing closes all of it. */
export class World implements AsyncDisposable {
  readonly #subject: Subject;
  readonly #closing: (() => unknown)[] = [];

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  transport(options?: GrpcTransportOptions): GrpcTransport {
    const made = new this.#subject.GrpcTransport({ lingerMs: 200, ...options });
    this.defer(() => made.close());
    return made;
  }

  /** A link between two transports, both ends. */
  async linked(options: { near?: GrpcTransportOptions; far?: GrpcTransportOptions } = {}) {
    const a = this.transport(options.near);
    const b = this.transport(options.far);
    const { address, accepted } = await this.listening(b);
    const near = await a.connect(address);
    return { a, b, address, near, far: await accepted };
  }

  async listening(transport: GrpcTransport): Promise<{ address: string; accepted: Promise<Link> }> {
    const accepted = Promise.withResolvers<Link>();
    const { address } = await transport.listen(LOCAL, accepted.resolve);
    return { address, accepted: accepted.promise };
  }

  /** A call of Link by a client that is not ours, which sends bytes as they are. */
  rawCall(address: string): { call: ClientDuplexStream<Buffer, Buffer>; client: Client } {
    const client = new Client(address, credentials.createInsecure(), {
      "grpc.max_send_message_length": -1,
      "grpc.use_local_subchannel_pool": 1,
    });
    this.defer(() => client.close());
    return { call: callOf(client), client };
  }

  /** A socket connected to that address. */
  async socket(address: string): Promise<net.Socket> {
    const socket = net.connect(portOf(address), "127.0.0.1");
    this.defer(() => socket.destroy());
    socket.on("error", () => {});
    await once(socket, "connect");
    return socket;
  }

  defer(close: () => unknown): void {
    this.#closing.push(close);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closing.toReversed()) await close();
  }
}

/** Another call on a client's connection. */
export function callOf(client: Client): ClientDuplexStream<Buffer, Buffer> {
  const same = (bytes: Buffer): Buffer => bytes;
  const call = client.makeBidiStreamRequest(LINK_PATH, same, same, new Metadata());
  call.on("error", () => {});
  call.resume();
  return call;
}

export function portOf(address: string): number {
  return Number(address.split(":").at(-1));
}

/** The fault that ends an iteration. */
export async function faultOf(link: Link): Promise<unknown> {
  try {
    for await (const _ of link);
  } catch (error) {
    return error;
  }
}

/** What the promise of a refused attempt says. */
export function refusalOf(attempt: Promise<unknown>): Promise<unknown> {
  return attempt.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Everything until the peer closes. */
export async function all(link: Link): Promise<Uint8Array[]> {
  const messages: Uint8Array[] = [];
  for await (const message of link) messages.push(message);
  return messages;
}

/** A four-byte number as a message. */
export function numbered(value: number, size = 4): Uint8Array {
  const message = new Uint8Array(size);
  new DataView(message.buffer).setUint32(0, value);
  return message;
}

export function numberOf({ buffer, byteOffset }: Uint8Array): number {
  return new DataView(buffer, byteOffset).getUint32(0);
}

/** Bytes that compare as arrays, whatever class they are of. */
export function plain(list: readonly Iterable<number>[]): number[][] {
  return list.map((message) => [...message]);
}

export function codeOf(error: unknown): string | undefined {
  return (error as { code?: string } | undefined)?.code;
}
