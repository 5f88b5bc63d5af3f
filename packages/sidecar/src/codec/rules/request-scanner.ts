// Where requests begin and end on a connection of HTTP/1.1, byte by byte where it matters: heads,
// chunk lines and trailers are read strictly, bodies are counted. The scanner stands before any
// other parser and shows it only what has one meaning, so that a parser's leniency (spaces in the
// request line, a lone LF, whitespace in a chunk size) decides nothing.
//
// It holds at most one head or one chunk line, and copies nothing else. Pure: bytes in, steps out.
// Reference: RFC 9112 §2.2 (robustness, and its end), §6 (length), §7.1 (chunks).
import { isTrailerAllowed } from "./connection-fields.ts";
import { readFieldLines } from "./field-lines.ts";
import { HeldHead } from "./held-head.ts";
import { isRefusal, type RefusalReason } from "./refusals.ts";
import { type Http1RequestHead, type RequestRules, readRequestHead } from "./request-head.ts";

/** What the scanner has found. */
export type Step =
  /** The chunk is used up. */
  | { readonly kind: "more" }
  /** A head; `bytes` is all of it, `end` where it ends in the chunk. */
  | {
      readonly kind: "head";
      readonly head: Http1RequestHead;
      readonly bytes: Buffer;
      readonly end: number;
    }
  /** The body goes up to `end`; `trailers` are there with the last part. */
  | { readonly kind: "body"; readonly end: number; readonly trailers: string[] | undefined }
  | { readonly kind: "refused"; readonly reason: RefusalReason };

/** Limits and rules of a scanner. */
export interface ScannerRules extends RequestRules {
  readonly headersBytesMax: number;
}

const more: Step = { kind: "more" };
const noTrailers: string[] = [];
const chunkLineBytesMax = 1024;
// "A server ought to limit the total length of chunk extensions" (§7.1.1): a chunk pays for 16
// bytes around it, and for twice its own; so much may be owed (the sums are those of Go's
// net/http).
const overheadBytesMax = 16_384;
// chunk-size, then extensions, which are dropped but must be well-formed (§7.1.1); the whitespace
// that its grammar calls bad is refused, for it hides where the size ends.
const chunkLine =
  /^([0-9A-Fa-f]{1,8})(?:;[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:=(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"))?)*$/;

const CR = 13;
const LF = 10;

/** Reads one connection's bytes in order. */
export class RequestScanner {
  readonly #rules: ScannerRules;
  #place: "head" | "length" | "chunk-line" | "chunk" | "chunk-end" | "trailers" = "head";
  readonly #held = new HeldHead();
  // What has come of a chunk line or of a line of the trailers, in latin1.
  #text = "";
  // The lines of the trailers that are whole. They are only put together, and looked at once, at
  // their end: to look at each time would copy them each time.
  #section = "";
  #sectionLines = 0;
  // Bytes of the body, or of the chunk, that are still to come.
  #left = 0;
  #mayBeBlank = true;
  #overheadBytes = 0;

  constructor(rules: ScannerRules) {
    this.#rules = rules;
  }

  /** Whether a request has begun and its head has not ended. */
  get isInHead(): boolean {
    return this.#place === "head" && this.#held.bytes > 0;
  }

  /** Whether the next byte is the first of a request. */
  get isBetween(): boolean {
    return this.#place === "head" && this.#held.bytes === 0;
  }

  /** Looks at the chunk from `from`, up to the end of one part of a message. */
  scan(chunk: Buffer, from: number): Step {
    if (from >= chunk.length) return more;
    switch (this.#place) {
      case "head":
        return this.#scanHead(chunk, from);
      case "length":
        return this.#scanLength(chunk, from);
      default:
        return this.#scanChunks(chunk, from);
    }
  }

  #scanHead(chunk: Buffer, from: number): Step {
    if (this.#held.bytes === 0) return this.#scanFresh(chunk, from);
    const end = this.#held.endIn(chunk, from);
    if (end === -1) return this.#hold(chunk, from);
    // A head in pieces is rare; put together, it is one that came at once.
    const step = this.#scanFresh(this.#held.take(chunk.subarray(from, end)), 0);
    return step.kind === "head" ? { ...step, end } : step;
  }

  #scanFresh(chunk: Buffer, at: number): Step {
    let from = at;
    // One empty line before a request is forgiven (§2.2): old clients send it behind a body.
    if (chunk[from] === CR && this.#mayBeBlank) {
      if (from + 1 === chunk.length) return this.#hold(chunk, from);
      if (chunk[from + 1] !== LF) return refused("line-ending");
      this.#mayBeBlank = false;
      from += 2;
      if (from === chunk.length) return more;
    }
    if (chunk[from] === CR || chunk[from] === LF) return refused("line-ending");
    const end = chunk.indexOf("\r\n\r\n", from, "latin1");
    return end === -1 ? this.#hold(chunk, from) : this.#finishHead(chunk, from, end);
  }
  #finishHead(chunk: Buffer, from: number, end: number): Step {
    if (end - from > this.#rules.headersBytesMax) return refused(tooLarge(chunk.subarray(from)));
    const head = readRequestHead(chunk.toString("latin1", from, end), this.#rules);
    if (isRefusal(head)) return refused(head);
    this.#left = head.bodyBytes;
    this.#mayBeBlank = true;
    this.#overheadBytes = 0;
    if (head.bodyBytes === Number.POSITIVE_INFINITY) this.#place = "chunk-line";
    else if (head.bodyBytes > 0) this.#place = "length";
    this.#text = "";
    return { kind: "head", head, bytes: chunk.subarray(from, end + 4), end: end + 4 };
  }

  #hold(chunk: Buffer, from: number): Step {
    // Nobody would wait for a second LF: what lacks a CR is refused as soon as it can be told.
    if (!this.#held.hold(chunk, from)) return refused("line-ending");
    if (this.#held.bytes <= this.#rules.headersBytesMax) return more;
    return refused(tooLarge(this.#held.take(Buffer.alloc(0))));
  }

  #scanLength(chunk: Buffer, from: number): Step {
    const end = Math.min(chunk.length, from + this.#left);
    this.#left -= end - from;
    if (this.#left > 0) return { kind: "body", end, trailers: undefined };
    this.#place = "head";
    return { kind: "body", end, trailers: noTrailers };
  }

  #scanChunks(chunk: Buffer, from: number): Step {
    let at = from;
    while (at < chunk.length) {
      if (this.#place === "chunk") {
        const taken = Math.min(this.#left, chunk.length - at);
        at += taken;
        this.#left -= taken;
        if (this.#left === 0) this.#place = "chunk-end";
        continue;
      }
      const lineEnd = chunk.indexOf(LF, at);
      const stop = lineEnd === -1 ? chunk.length : lineEnd + 1;
      this.#text += chunk.toString("latin1", at, stop);
      at = stop;
      if (this.#text.length > this.#lineBytesMax()) return refused("chunk");
      if (lineEnd === -1) {
        if (this.#place === "chunk-end" && this.#text !== "\r") return refused("chunk");
        break;
      }
      const outcome = this.#finishLine();
      if (isRefusal(outcome)) return refused(outcome);
      if (outcome !== undefined) return { kind: "body", end: at, trailers: outcome };
    }
    return { kind: "body", end: at, trailers: undefined };
  }

  #lineBytesMax(): number {
    if (this.#place !== "trailers") return chunkLineBytesMax;
    return this.#rules.headersBytesMax - this.#section.length;
  }

  // The text ends with LF; an outcome is the end of the message.
  #finishLine(): string[] | RefusalReason | undefined {
    const text = this.#text;
    if (!text.endsWith("\r\n")) return this.#place === "trailers" ? "line-ending" : "chunk";
    if (this.#place === "trailers") return this.#finishTrailers();
    this.#text = "";
    if (this.#place === "chunk-end") {
      if (text !== "\r\n") return "chunk";
      this.#place = "chunk-line";
      return undefined;
    }
    const match = chunkLine.exec(text.slice(0, -2));
    if (match === null) return "chunk";
    this.#left = Number.parseInt(match[1]!, 16);
    this.#place = this.#left === 0 ? "trailers" : "chunk";
    const unpaid = this.#overheadBytes + text.length + 2 - 16 - 2 * this.#left;
    this.#overheadBytes = Math.max(unpaid, 0);
    return this.#overheadBytes > overheadBytesMax ? "chunk-overhead" : undefined;
  }

  #finishTrailers(): string[] | RefusalReason | undefined {
    const line = this.#text;
    this.#text = "";
    if (line !== "\r\n") {
      this.#section += line;
      this.#sectionLines++;
      return this.#sectionLines > this.#rules.headersMax ? "fields-too-many" : undefined;
    }
    const flat = readFieldLines(this.#section, 0, this.#rules);
    this.#place = "head";
    this.#section = "";
    this.#sectionLines = 0;
    if (isRefusal(flat)) return flat;
    for (let i = 0; i < flat.length; i += 2) if (!isTrailerAllowed(flat[i]!)) return "trailer";
    return flat;
  }
}

const refused = (reason: RefusalReason): Step => ({ kind: "refused", reason });

const tooLarge = (bytes: Buffer): RefusalReason =>
  bytes.indexOf(CR) === -1 ? "target-too-long" : "head-too-large";
