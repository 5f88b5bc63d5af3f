// One proxied connection: two sockets, and between them two lanes, each a FaultPipe with the timer
// that wakes it. Everything hard about time and order is in pipe.ts; here is what sockets add.
//
//     client ══▶ upstream lane ══▶ server
//     client ◀══ downstream lane ◀══ server
//
// Backpressure is pull-based: a lane reads from its source no more than its pipe has room for, and
// stops pulling while its sink is full. So a receiver that stops reading stops its sender, and a
// lane holds at most the pipe's bytes and segments plus one socket buffer on either side.
//
// How a connection ends travels in the lane like its bytes: a FIN comes out behind what was sent
// before it, and a crash of one side reaches the other as a reset only if the lane lets it through.
// Behind a blackhole the other side keeps a half-open connection, as after a pulled cable.
//
// Left out: urgent data, keep-alive probes, and the delay of the handshake (the kernel accepts
// before this code knows). A partition is noticed by the dial instead: see #dialWhenOpen.

import type { Socket } from "node:net";
import type { Clock, Random } from "@compendium/runtime";
import type { DirectionFaults, Faults } from "./faults.ts";
import { FaultPipe } from "./pipe.ts";

/** Totals of one direction, over all connections of a proxy. */
export interface DirectionTotals {
  bytesReceived: number;
  bytesDelivered: number;
}

/** What a proxy counts; connections only ever add to it. */
export interface ConnectionTotals {
  upstream: DirectionTotals;
  downstream: DirectionTotals;
  dialFailures: number;
  resets: number;
}

/** What a {@link Connection} is made with. */
export interface ConnectionOptions {
  client: Socket;
  /** A socket that is not connected yet; `dial` connects it. */
  server: Socket;
  dial: (server: Socket) => void;
  clock: Clock;
  random: Random;
  bufferBytesMax: number;
  totals: ConnectionTotals;
  /** Called once, when both sockets are closed. */
  onClosed: (connection: Connection) => void;
}

// The most that is handed to a socket at once. More would only move bytes from the pipe, where a
// fault still reaches them, to a socket's buffer, where it does not.
const WRITE_BYTES_MAX = 65_536;

/** A client, a server, and the faults between them. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #upstream: Lane;
  readonly #downstream: Lane;
  #dialled = false;
  #connected = false;
  #socketsOpen = 2;
  #resetTimer: Disposable | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { client, server, totals } = options;
    const abort = (cause: "peer" | "fault", sink: Socket): void => {
      if (cause === "fault") this.reset();
      else abortSocket(sink);
    };
    this.#upstream = new Lane(client, server, options, totals.upstream, abort);
    this.#downstream = new Lane(server, client, options, totals.downstream, abort);
    this.#watch(client, this.#upstream, this.#downstream);
    this.#watch(server, this.#downstream, this.#upstream);
    server.once("connect", () => {
      this.#connected = true;
    });
  }

  /** Bytes inside, by direction. */
  get heldBytes(): { upstream: number; downstream: number } {
    return { upstream: this.#upstream.heldBytes, downstream: this.#downstream.heldBytes };
  }

  /** Puts faults into force; `resetAtMs` is when the reset fault strikes this connection. */
  apply(faults: Faults, resetAtMs: number | undefined): void {
    this.#resetTimer?.[Symbol.dispose]();
    this.#resetTimer = undefined;
    const { clock } = this.#options;
    if (resetAtMs !== undefined && resetAtMs <= clock.now()) {
      this.reset();
      return;
    }
    if (resetAtMs !== undefined) {
      this.#resetTimer = clock.setTimer(resetAtMs, () => this.reset());
    }
    this.#dialWhenOpen(faults);
    this.#upstream.apply(faults.upstream ?? {});
    this.#downstream.apply(faults.downstream ?? {});
  }

  /** RST to both sides, at once. */
  reset(): void {
    if (this.#socketsOpen === 0) return;
    this.#options.totals.resets++;
    this.#end(abortSocket);
  }

  /** Ends both sides uncounted. A FIN would tell the peer that a truncated stream was all of it. */
  destroy(): void {
    this.#end(abortSocket);
  }

  #end(close: (socket: Socket) => void): void {
    this.#resetTimer?.[Symbol.dispose]();
    this.#upstream.close();
    this.#downstream.close();
    close(this.#options.client);
    close(this.#options.server);
  }

  // A SYN is the first thing that travels upstream. So a connection that is opened into a blackhole
  // reaches nobody before it is lifted: the server must not see what a partition hides from it.
  #dialWhenOpen(faults: Faults): void {
    if (this.#dialled || faults.upstream?.blackhole) return;
    this.#dialled = true;
    this.#options.dial(this.#options.server);
    this.#upstream.open();
  }

  #watch(socket: Socket, from: Lane, to: Lane): void {
    const { server, totals } = this.#options;
    socket.on("error", () => {
      if (socket === server && !this.#connected) totals.dialFailures++;
      // Nobody is left to receive. What was sent before still arrives, and the reset behind it.
      to.close();
      if (this.#dialled) from.fail();
      else this.destroy();
    });
    socket.on("close", () => {
      this.#socketsOpen--;
      if (this.#socketsOpen > 0) return;
      this.#end(() => {});
      this.#options.onClosed(this);
    });
  }
}

/** One direction: reads its source into a pipe, and the pipe into its sink when it is time. */
class Lane {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #clock: Clock;
  readonly #pipe: FaultPipe;
  readonly #totals: DirectionTotals;
  readonly #abort: (cause: "peer" | "fault", sink: Socket) => void;
  // The upstream lane opens with the dial: a socket that was never connected takes no bytes.
  #open = false;
  #closed = false;
  #timer: Disposable | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(
    source: Socket,
    sink: Socket,
    options: ConnectionOptions,
    totals: DirectionTotals,
    abort: (cause: "peer" | "fault", sink: Socket) => void,
  ) {
    this.#source = source;
    this.#sink = sink;
    this.#clock = options.clock;
    this.#pipe = new FaultPipe(options);
    this.#totals = totals;
    this.#abort = abort;
    this.#open = !sink.pending;
    source.on("readable", this.#pump);
    source.on("end", () => {
      this.#pipe.end("fin");
      this.#pump();
    });
    sink.on("drain", this.#pump);
  }

  get heldBytes(): number {
    return this.#pipe.heldBytes;
  }

  apply(faults: DirectionFaults): void {
    this.#pipe.set(faults);
    this.#pump();
  }

  open(): void {
    this.#open = true;
  }

  /** The source has died: the sink hears of it behind what was sent before. */
  fail(): void {
    this.#pipe.end("reset");
    this.#pump();
  }

  /** The sink has died, or both: nothing is carried any more, no timer is left. */
  close(): void {
    this.#closed = true;
    this.#pipe.discard();
    this.#disarm();
  }

  readonly #pump = (): void => {
    let moved = true;
    while (moved && !this.#closed) {
      const filled = this.#fill();
      moved = this.#drain() || filled;
    }
    if (!this.#closed) this.#arm();
  };

  #fill(): boolean {
    let filled = false;
    for (;;) {
      const length = Math.min(this.#pipe.room, this.#source.readableLength);
      const chunk: Uint8Array | null = length > 0 ? this.#source.read(length) : null;
      if (chunk === null) break;
      this.#totals.bytesReceived += chunk.length;
      this.#pipe.push(chunk);
      filled = true;
    }
    // read(length) of the very last bytes does not announce the end; read(0) does.
    if (this.#pipe.room > 0 && this.#source.readableLength === 0) this.#source.read(0);
    return filled;
  }

  #drain(): boolean {
    let drained = false;
    while (this.#open && !this.#closed && !this.#sink.writableNeedDrain) {
      const release = this.#pipe.pull(WRITE_BYTES_MAX);
      if (release === undefined) break;
      drained = true;
      if (release.kind === "bytes") {
        this.#totals.bytesDelivered += release.bytes.length;
        this.#sink.write(release.bytes);
      } else if (release.kind === "fin") {
        this.#sink.end();
      } else {
        this.close();
        this.#abort(release.cause, this.#sink);
      }
    }
    return drained;
  }

  // One timer, set only while something inside waits for nothing but time.
  #arm(): void {
    const waits = this.#open && !this.#sink.writableNeedDrain;
    const atMs = waits ? this.#pipe.nextAtMs() : Number.POSITIVE_INFINITY;
    if (atMs === this.#timerAtMs) return;
    this.#disarm();
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.#timerAtMs = atMs;
    this.#timer = this.#clock.setTimer(atMs, () => {
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      this.#pump();
    });
  }

  #disarm(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
  }
}

// A socket that is still connecting has no peer to reset: Node would wait for the handshake first.
// And while a FIN is on its way out, libuv refuses to reset (uv_tcp_close_reset() in shutdown is
// EINVAL), after which Node's socket never says that it is closed. The FIN was the truth, then.
function abortSocket(socket: Socket): void {
  if (socket.destroyed) return;
  const isEnding = socket.writableEnded && !socket.writableFinished;
  if (socket.connecting || socket.pending || isEnding) socket.destroy();
  else socket.resetAndDestroy();
}
