// gRPC over HTTP/2 with prior knowledge: one connection with some calls under way. An answer must
// begin with ":status: 200", carry the message, and end with trailers that are the same each time,
// to the byte; that they mean "OK" is what a client of @grpc/grpc-js has judged before (main.ts).
import { connect, type Socket } from "node:net";
import { call, grpcMessage, status200 } from "./grpc-messages.ts";
import { answerTo, Flag, Frame, FrameReader, opening, preface } from "./h2-frames.ts";
import type { Budget, Lane } from "./lane.ts";

// Dynamic Table Size Update (RFC 7541 §6.3): 001xxxxx may stand before the first field.
const isSizeUpdate = (byte: number | undefined): boolean => ((byte ?? 0) & 0xe0) === 0x20;

/** One connection. */
export class H2Lane implements Lane {
  readonly #port: number;
  readonly #streamsMax: number;
  readonly #reader: FrameReader;
  // Streams under way: bytes of DATA that came, or undefined before the head of the answer.
  readonly #streams = new Map<number, number | undefined>();
  #nextStream = 1;
  #trailers: Buffer | undefined;
  #socket: Socket | undefined;
  // Frames that go out together, once all that came in together has been read.
  #out: Buffer[] = [];
  #budget: Budget | undefined;
  #onDone: () => void = () => {};
  #onError: (error: Error) => void = () => {};

  constructor(port: number, streamsMax: number) {
    this.#port = port;
    this.#streamsMax = streamsMax;
    this.#reader = new FrameReader((...frame) => this.#onFrame(...frame));
  }

  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onError = reject;
      const socket = connect({ host: "127.0.0.1", port: this.#port, noDelay: true }, resolve);
      socket.write(Buffer.concat([preface, opening]));
      socket.on("data", (bytes) => this.#onBytes(bytes));
      socket.on("error", (error) => this.#onError(error));
      socket.on("end", () => this.#onError(new Error("the proxy closed the connection")));
      this.#socket = socket;
    });
  }

  run(budget: Budget): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#budget = budget;
      this.#onDone = resolve;
      this.#onError = reject;
      for (let i = 0; i < this.#streamsMax; i++) this.#ask();
      this.#flush();
      if (this.#streams.size === 0) resolve();
    });
  }

  close(): void {
    this.#onError = () => {};
    this.#socket?.destroy();
  }

  #ask(): void {
    if (!this.#budget?.take()) return;
    this.#streams.set(this.#nextStream, undefined);
    this.#out.push(call(this.#nextStream));
    this.#nextStream += 2;
  }

  #flush(): void {
    if (this.#out.length > 0) this.#socket?.write(Buffer.concat(this.#out));
    this.#out = [];
  }

  #onBytes(bytes: Buffer): void {
    try {
      this.#reader.push(bytes);
      this.#flush();
      if (this.#streams.size === 0) this.#onDone();
    } catch (error) {
      this.#onError(error as Error);
    }
  }

  #onFrame(type: number, flags: number, stream: number, payload: Buffer): void {
    if (type === Frame.data) return this.#onData(flags, stream, payload);
    if (type === Frame.headers) return this.#onHeaders(flags, stream, payload);
    const reply = answerTo(type, flags, payload);
    if (reply !== undefined) this.#out.push(reply);
  }

  #onHeaders(flags: number, stream: number, block: Buffer): void {
    if (!(flags & Flag.endHeaders) || flags & Flag.padded || !this.#streams.has(stream)) {
      throw new Error("a head that this bench does not read");
    }
    if (flags & Flag.endStream) return this.#onTrailers(stream, block);
    const first = block.findIndex((byte) => !isSizeUpdate(byte));
    if (block[first] !== status200) throw new Error(`not 200: ${block.toString("hex")}`);
    this.#streams.set(stream, 0);
  }

  #onData(flags: number, stream: number, payload: Buffer): void {
    const before = this.#streams.get(stream);
    if (before === undefined || flags & (Flag.endStream | Flag.padded)) {
      throw new Error("data where none belongs");
    }
    this.#streams.set(stream, before + payload.length);
  }

  #onTrailers(stream: number, block: Buffer): void {
    const bytes = this.#streams.get(stream);
    this.#trailers ??= Buffer.from(block);
    if (bytes !== grpcMessage.length || !block.equals(this.#trailers)) {
      throw new Error(`an answer of ${bytes} bytes with trailers ${block.toString("hex")}`);
    }
    this.#streams.delete(stream);
    if (this.#budget) this.#budget.answers++;
    this.#ask();
  }
}
