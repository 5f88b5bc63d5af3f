// Planted bugs: each lets a flood through, cuts off somebody who does no harm, or lets memory grow.
import type { Mutant } from "@compendium/house/planted";

const inFile =
  (file: string) =>
  (name: string, search: string, replacement: string): Mutant => {
    return { name, file, search, replacement };
  };

const frames = inFile("codec/rules/frame-scanner.ts");
const floods = inFile("codec/rules/http2-floods.ts");
const fields = inFile("codec/rules/http2-fields.ts");
const requests = inFile("codec/rules/request-scanner.ts");
const buffers = inFile("codec/node/outgoing-buffer.ts");
const deadlines = inFile("codec/node/deadline.ts");
const messages = inFile("codec/node/http1-messages.ts");

export const mutants: readonly Mutant[] = [
  frames("padding counts as content", "Math.max(length - padding, 0)", "length"),
  frames("padding is of every type", "mayPad && (flags", "(flags"),
  frames("the preface is a frame", "this.#left = skippedBytes;", "this.#left = 0;"),
  frames(
    "a byte of padding's length is skipped twice",
    "length - (this.#heldBytes - headBytes)",
    "length",
  ),
  frames(
    "nobody can stop it",
    "head !== undefined && onFrame(head)",
    "head !== undefined && onFrame(head) && false",
  ),
  floods(
    "resets by the server are its own affair",
    "return this.#onReset(stream, nowMs);",
    "return undefined;",
  ),
  floods(
    "an answered stream counts as reset",
    "if (this.#unanswered.delete(stream)) this.#ended++;",
    "",
  ),
  floods("age does not matter", "if (nowMs - beganAtMs > prematureResetMs) return undefined;", ""),
  floods(
    "resets are counted for ever, whatever else there was",
    "Math.max(prematureResetStreams, this.#ended)",
    "prematureResetStreams",
  ),
  floods("trailers open a stream", "if (stream <= this.#lastStream) return;", ""),
  floods(
    "empty frames need not be in a row",
    "isEmpty ? this.#emptyFrames + 1 : 0",
    "this.#emptyFrames + (isEmpty ? 1 : 0)",
  ),
  floods(
    "the end of a stream is an empty frame",
    "length === 0 && (flags & END_STREAM) === 0",
    "length === 0",
  ),
  floods("streams allow no priorities", "* (1 + this.#streams)", "* 1"),
  floods(
    "DATA that came allows windows",
    "      case frameTypes.data:\n        this.#earn();",
    "      case frameTypes.data:\n        this.#dataFramesSent++;\n        this.#earn();",
  ),
  floods(
    "a long silence allows any burst",
    "Math.min(this.#tokens + earned, controlFramesPerSecondMax)",
    "this.#tokens + earned",
  ),
  floods(
    "time gives nothing back",
    "const earned = ((nowMs - this.#tokensAtMs) / 1_000)",
    "const earned = 0",
  ),
  floods(
    "sent DATA allows no PING",
    "this.#dataFramesSent++;\n        this.#earn();",
    "this.#dataFramesSent++;",
  ),
  floods(
    "CONTINUATIONs of one section count for the next",
    "this.#continuations = 0;\n        this.#onOpened",
    "this.#onOpened",
  ),
  fields(
    "any protocol may be connected to",
    "upgrade !== undefined && !upgrades.has(upgrade)",
    "false",
  ),
  fields(
    "a tunnel may have a length",
    "upgrade !== undefined && facts.contentLength !== undefined",
    "false",
  ),
  fields("a GET may have a protocol", " : upgrade !== undefined) {", " : false) {"),
  requests("extensions cost nothing", "text.length + 2 - 16", "2 - 16"),
  requests("small chunks cost too much", "+ 2 - 16 - 2 *", "+ 2 - 2 *"),
  requests("content pays for nothing", "- 2 * this.#left;", ";"),
  buffers("bytes that left still count", "this.#bytes -= length;", ""),
  buffers("chunks cost nothing by themselves", "|| this.#chunks >= chunksMax", ""),
  buffers("chunks that left still count", "this.#chunks--;", ""),
  buffers("there is room among chunks at once", "|| this.#chunks > chunksMax / 2", ""),
  buffers(
    "there is room with the first byte that left",
    "this.#bytes > this.#bytesMax / 2",
    "false",
  ),
  buffers(
    "it is full only beyond its limit",
    "this.#bytes >= this.#bytesMax",
    "this.#bytes > this.#bytesMax",
  ),
  buffers(
    "room is told again and again",
    "this.#isFull = false;\n    this.#events",
    "this.#events",
  ),
  deadlines("a connection that is gone leaves a timer", "if (this.#isOver) return;", ""),
  deadlines(
    "a byte does not move it",
    "if (this.#clock.now() < this.#atMs) this.#arm();",
    "if (false) this.#arm();",
  ),
  deadlines(
    "the nearer one waits",
    "if (this.#atMs >= this.#timerAtMs) return;",
    "if (this.#timer !== undefined) return;",
  ),
  deadlines(
    "one that was taken away is set again",
    "if (this.#atMs === Number.POSITIVE_INFINITY) return;",
    "",
  ),
  messages("the log sees what was sent", "const sent = fields.copy();", "const sent = fields;"),
  messages(
    "a 204 has a length",
    "const mayHaveLength = status >= 200 && status !== 204;",
    "const mayHaveLength = status >= 200;",
  ),
  messages("trailers behind a length", "(hasLength || !mayBeChunked) &&", "!mayBeChunked &&"),
  messages("a 304 has no content", "&& status !== 304 && !hasLength", "&& !hasLength"),
];
