// Both ends of a proxy without sockets: a client whose stream is a list of what it was told, and an
// upstream whose attempts a test answers one by one.
import type {
  ClientConnection,
  ClientStream,
  RequestHead,
  ResetReason,
  ResponseHead,
  ResponseReceiver,
  ServerConnection,
  ServerStream,
} from "../../src/codec/codec.ts";
import { Fields } from "../../src/codec/fields.ts";
import type { PoolEvents, PoolFailure } from "../../src/upstream/connection-pool.ts";

/** What a client has got. */
export class ClientSide implements ServerStream {
  readonly connection: ServerConnection;
  readonly informational: number[] = [];
  head: ResponseHead | undefined;
  body = "";
  bytes = 0;
  trailers: Fields | undefined;
  hasEnded = false;
  resetReason: ResetReason | undefined;
  isPaused = false;
  /** Whether it takes more. */
  isWritable = true;
  silenceMs = 0;

  constructor(connection: ServerConnection) {
    this.connection = connection;
  }

  get status(): number | undefined {
    return this.head?.status;
  }

  limitSilence(ms: number): void {
    this.silenceMs = ms;
  }

  sendInformational({ status }: ResponseHead): void {
    this.informational.push(status);
  }

  sendHead(head: ResponseHead, end: boolean): void {
    if (this.head !== undefined) throw new Error("a second head");
    this.head = head;
    this.#end(end);
  }

  sendData(chunk: Uint8Array, end: boolean): boolean {
    if (this.head === undefined || this.hasEnded) throw new Error("data in the wrong place");
    this.bytes += chunk.length;
    if (this.bytes < 10_000) this.body += Buffer.from(chunk).toString("latin1");
    this.#end(end);
    return this.isWritable;
  }

  sendTrailers(fields: Fields): void {
    this.trailers = fields;
    this.#end(true);
  }

  reset(reason: ResetReason): void {
    this.resetReason ??= reason;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  #end(end: boolean): void {
    if (end && this.hasEnded) throw new Error("a second end");
    this.hasEnded ||= end;
  }
}

/** One request that has reached upstream, or wants to. */
export class UpstreamSide implements ClientStream {
  readonly host: string;
  readonly isFresh: boolean;
  readonly beganAtMs: number;
  readonly #events: PoolEvents;
  #receiver: ResponseReceiver | undefined;
  head: RequestHead | undefined;
  body = "";
  bytes = 0;
  trailers: Fields | undefined;
  hasEnded = false;
  resetReason: ResetReason | undefined;
  /** Nobody wants a connection any more. */
  isForgotten = false;
  isBroken = false;
  /** Its answer is whole. */
  hasAnswered = false;
  isPaused = false;
  isWritable = true;

  constructor(host: string, isFresh: boolean, events: PoolEvents, beganAtMs: number) {
    this.host = host;
    this.isFresh = isFresh;
    this.#events = events;
    this.beganAtMs = beganAtMs;
  }

  /** Whether somebody still waits for it. */
  get isLive(): boolean {
    return this.resetReason === undefined && !this.isForgotten && !this.isBroken;
  }

  /** A connection is there. */
  connect(isReused = false): this {
    if (this.isForgotten) return this;
    const start = (receiver: ResponseReceiver): ClientStream => {
      this.#receiver = receiver;
      return this;
    };
    this.#events.onReady({ start } as Partial<ClientConnection> as ClientConnection, isReused);
    return this;
  }

  /** There will be none. */
  fail(failure: PoolFailure = "connect-failure"): void {
    if (!this.isForgotten) this.#events.onFailed(failure, "as the test wants it");
  }

  // What upstream says; nothing after a reset, as the codec has it.

  inform(status: number, fields: readonly string[] = []): void {
    const head = { status, fields: new Fields([...fields]) };
    if (this.isLive) this.#receiver?.onInformational(head);
  }

  respond(status: number, fields: readonly string[] = [], end = true): this {
    const head = { status, fields: new Fields([...fields]) };
    this.hasAnswered ||= end;
    if (this.isLive) this.#receiver?.onHead(head, end);
    return this;
  }

  send(text: string | Uint8Array, end = false): void {
    this.hasAnswered ||= end;
    if (this.isLive) this.#receiver?.onData(Buffer.from(text), end);
  }

  sendLast(fields: readonly string[]): void {
    this.hasAnswered = true;
    if (this.isLive) this.#receiver?.onTrailers(new Fields([...fields]));
  }

  break(reason: ResetReason): void {
    if (!this.isLive) return;
    this.isBroken = true;
    this.#receiver?.onReset(reason, "as the test wants it");
  }

  drain(): void {
    this.isWritable = true;
    if (this.isLive) this.#receiver?.onWritable();
  }

  // What it is told.

  sendHead(head: RequestHead, end: boolean): void {
    this.head = head;
    this.hasEnded = end;
  }

  sendData(chunk: Uint8Array, end: boolean): boolean {
    if (this.hasEnded) throw new Error("data behind the end");
    this.bytes += chunk.length;
    if (this.bytes < 10_000) this.body += Buffer.from(chunk).toString("latin1");
    this.hasEnded = end;
    return this.isWritable;
  }

  sendTrailers(fields: Fields): void {
    this.trailers = fields;
    this.hasEnded = true;
  }

  reset(reason: ResetReason): void {
    this.resetReason ??= reason;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }
}
