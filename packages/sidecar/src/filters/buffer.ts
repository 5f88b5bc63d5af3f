// Waits for the whole request (envoy.filters.http.buffer), so that a slow client costs a buffer
// here and not a connection to, and a thread of, the upstream. A request that says beforehand that
// it is larger is refused at once, the others when they have grown too large. A tunnel has no
// whole.
import type { BufferConfig } from "../config/filter-config.ts";
import type { FilteredRequest, HttpFilter, Verdict } from "./http-filter.ts";

const tooLarge: Verdict = {
  kind: "reply",
  reply: { status: 413, text: "the body is too large", details: "request_payload_too_large" },
};

/** Lets a request go on when all of it is there. */
export class BufferFilter implements HttpFilter {
  readonly kind = "buffer";
  readonly name: string;
  /** Those that were waited for, and those that said that they are too large. */
  readonly numbers: { collected: number; tooLarge: number } = { collected: 0, tooLarge: 0 };
  readonly #bytesMax: number;
  readonly #collect: Verdict;

  constructor({ name, requestBytesMax: bytesMax }: BufferConfig) {
    this.name = name;
    this.#bytesMax = bytesMax;
    this.#collect = { kind: "collect", bytesMax };
  }

  onRequest({ head, hasBody }: FilteredRequest): Verdict {
    if (!hasBody || head.upgrade !== undefined || head.method === "CONNECT") return undefined;
    if (Number(head.fields.get("content-length") ?? 0) > this.#bytesMax) {
      this.numbers.tooLarge++;
      return tooLarge;
    }
    this.numbers.collected++;
    return this.#collect;
  }
}
