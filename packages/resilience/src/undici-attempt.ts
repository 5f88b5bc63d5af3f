// One dispatch of an undici request, held back until the pipeline has decided whose response the
// caller gets. What arrives in the meantime is kept, up to 64 KiB; then the connection is paused.
//
//     waiting ──headers──▶ held ──forward──▶ forwarded     every event, in its order
//        │                  │
//        └─────discard──────┴──▶ discarded                 kept or drained if small, else cut off
//
// A small body is drained and not cut off, because that leaves the connection usable: a retry that
// begins with a new handshake costs an overloaded server more than the rest of a short error page.
import type { Duplex } from "node:stream";
import type { Dispatcher } from "undici";
import { ResilienceError } from "./errors.ts";

type Controller = Dispatcher.DispatchController;
type Handler = Dispatcher.DispatchHandler;
type Event = (handler: Handler, controller: Controller) => void;

/** What an attempt answered, once its headers are there. */
export interface Head {
  /** The status. */
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Record<string, string | string[] | undefined>;
}

const HELD_BYTES_MAX = 65_536;

/** An attempt. It settles `head` once, and then is to be forwarded or discarded. */
export class Attempt implements Dispatcher.DispatchHandler {
  /** Rejects with what kept the headers from coming. */
  readonly head: Promise<Head>;
  /** The connection's, from when the request was written to it. */
  controller: Controller | undefined;
  readonly #onInterim: (status: number, headers: Head["headers"]) => void;
  readonly #settle: PromiseWithResolvers<Head> = Promise.withResolvers<Head>();
  // What came before there was a receiver, in its order.
  #held: Event[] = [];
  #heldBytes = 0;
  #receiver: { handler: Handler; controller: Controller } | undefined;
  #headed = false;
  #ended = false;
  // Why nobody wants this attempt any more.
  #unwanted: Error | undefined;

  /** `onInterim` hears of 1xx answers, which settle nothing. */
  constructor(onInterim: (status: number, headers: Head["headers"]) => void) {
    this.#onInterim = onInterim;
    this.head = this.#settle.promise;
  }

  /**
   * Hands over what was held, and whatever comes from now on, under a controller of the caller's.
   */
  forward(handler: Handler, controller: Controller): void {
    this.#receiver = { handler, controller };
    if (this.#unwanted !== undefined) handler.onResponseError?.(controller, this.#unwanted);
    for (const event of this.#held) event(handler, controller);
    this.#held = [];
    if (!this.#ended && !controller.paused) this.controller?.resume();
  }

  /** Nobody wants this response, unless it is in memory, where it costs no connection. */
  discard(): void {
    if (this.#ended || this.#receiver !== undefined || this.#unwanted !== undefined) return;
    this.abort(new ResilienceError("HEDGE_LOST", "another attempt was made instead"));
  }

  /** Ends the attempt; before there are headers, and beyond what may be drained, by a cut. */
  abort(reason: unknown): void {
    if (this.#ended) return;
    this.#unwanted = reason instanceof Error ? reason : new Error(String(reason));
    this.#held = [];
    if (!this.#headed || this.#heldBytes > HELD_BYTES_MAX) this.controller?.abort(this.#unwanted);
  }

  onRequestStart(controller: Controller): void {
    this.controller = controller;
    if (this.#unwanted !== undefined) controller.abort(this.#unwanted);
  }

  onResponseStart(_: Controller, status: number, headers: Head["headers"], text?: string): void {
    if (status < 200) return this.#onInterim(status, headers);
    this.#headed = true;
    this.#pass((to, controller) => to.onResponseStart?.(controller, status, headers, text));
    this.#settle.resolve({ status, headers });
  }

  onRequestUpgrade(_: Controller, status: number, headers: Head["headers"], socket: Duplex): void {
    this.#ended = true;
    if (this.#unwanted !== undefined) socket.destroy();
    this.#pass((to, controller) => to.onRequestUpgrade?.(controller, status, headers, socket));
    this.#settle.resolve({ status, headers });
  }

  onResponseData(own: Controller, chunk: Buffer): void {
    if (this.#receiver === undefined) {
      this.#heldBytes += chunk.byteLength;
      if (this.#heldBytes > HELD_BYTES_MAX) {
        if (this.#unwanted !== undefined) return own.abort(this.#unwanted);
        own.pause();
      }
    }
    this.#pass((to, controller) => to.onResponseData?.(controller, chunk));
  }

  onResponseEnd(_: Controller, trailers: Head["headers"]): void {
    this.#ended = true;
    this.#pass((to, controller) => to.onResponseEnd?.(controller, trailers));
  }

  onResponseError(_: Controller | null, error: Error): void {
    this.#ended = true;
    this.#settle.reject(error);
    this.#pass((to, controller) => to.onResponseError?.(controller, error));
  }

  #pass(event: Event): void {
    if (this.#unwanted !== undefined) return;
    if (this.#receiver === undefined) this.#held.push(event);
    else event(this.#receiver.handler, this.#receiver.controller);
  }
}
