// One request of a fetch on the wire, and its response until somebody takes it: which can be cut
// off alone, or have its body read ahead, so that its connection is free while others still decide.
import type { AbortListener, Call } from "./call.ts";
import { ResilienceError } from "./errors.ts";

const READ_AHEAD_BYTES_MAX = 65_536;

/** One attempt; {@link end} must be called once it is known whose response is wanted. */
export class Attempt {
  response: Response | undefined;
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #listener: AbortListener;
  #over = false;
  #inMemory = false;

  constructor(call: Call, callersSignal: AbortSignal | undefined) {
    this.#listener = call.onAbort((reason) => this.#controller.abort(reason));
    // The caller's own signal must outlive the call: the body comes after it. `any` holds it
    // weakly.
    const { signal } = this.#controller;
    this.signal = callersSignal ? AbortSignal.any([signal, callersSignal]) : signal;
  }

  arrived(response: Response): void {
    this.response = response;
    // A fetch that does not look at its signal may answer when nobody is left to want it.
    if (this.#over || this.signal.aborted) this.#cut();
  }

  /** Reads the body into memory beside whoever reads it later, unless it is too large for that. */
  readAhead(): void {
    if (!this.response?.body) this.#inMemory = true;
    else this.#read(this.response.clone().body as ReadableStream<Uint8Array>).catch(() => {});
  }

  /** Lets go of a response, unless it is in memory, where it costs no connection. */
  drop(): void {
    if (!this.#inMemory) this.#cut();
  }

  end(wanted: boolean): void {
    this.#over = true;
    this.#listener.dispose();
    if (!wanted) this.drop();
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let bytes = 0;
    const reader = body.getReader();
    while (bytes <= READ_AHEAD_BYTES_MAX) {
      const { done, value } = await reader.read();
      if (done) {
        this.#inMemory = true;
        return;
      }
      bytes += value.byteLength;
    }
    await reader.cancel();
  }

  #cut(): void {
    this.#controller.abort(new ResilienceError("HEDGE_LOST", "another attempt was made instead"));
    this.response?.body?.cancel().catch(() => {});
  }
}
