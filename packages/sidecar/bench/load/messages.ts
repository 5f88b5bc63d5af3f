// The HTTP/1.1 messages of the bench, as bytes that are made once, and a reader for each side that
// knows no more than it needs for these: one message at a time, framed by Content-Length. It
// insists on what it expects, so that a proxy that answers quickly and wrongly is found out.

const HEAD_BYTES_MAX = 16_384;
const HEAD_END = Buffer.from("\r\n\r\n");

/** A request, and what must come back. */
export interface Dialogue {
  readonly request: Buffer;
  readonly answer: Buffer;
  /** Of the answer's body. */
  readonly answerBytes: number;
}

const requestFields = [
  "host: bench.test",
  "user-agent: bench/1.0",
  "accept: application/json, text/plain;q=0.9, */*;q=0.1",
  "accept-encoding: gzip, br",
  "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
];

const text = Buffer.from("forty-two bytes of an answer, no more, no.");

/** What is asked for, by the path. */
export const dialogues = {
  "/small": dialogue("/small", undefined, text),
  "/small-and-close": dialogue("/small", undefined, text, ["connection: close"]),
  "/echo": dialogue("/echo", Buffer.alloc(1_024, "e"), Buffer.alloc(1_024, "e")),
  "/64k": dialogue("/64k", undefined, Buffer.alloc(65_536, "k")),
} as const;

function dialogue(
  path: string,
  body: Buffer | undefined,
  answer: Buffer,
  more: readonly string[] = [],
): Dialogue {
  const sizes = body ? ["content-type: application/json", `content-length: ${body.length}`] : [];
  const fields = [...requestFields, ...sizes, ...more];
  return {
    request: message(`${body ? "POST" : "GET"} ${path} HTTP/1.1`, fields, body ?? Buffer.of()),
    answer: message(
      "HTTP/1.1 200 OK",
      [
        "server: upstream",
        "date: Thu, 01 Jan 2026 00:00:00 GMT",
        "content-type: text/plain",
        "cache-control: no-store",
        `content-length: ${answer.length}`,
      ],
      answer,
    ),
    answerBytes: answer.length,
  };
}

function message(first: string, fields: readonly string[], body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([first, ...fields, "", ""].join("\r\n")), body]);
}

/** Finds the end of one message after the other. The bytes are not kept past the call. */
export abstract class MessageReader {
  #head: Buffer | undefined;
  // Bytes of the body that are yet to come; undefined while the head is not complete.
  #missing: number | undefined;

  /** Whether the message is complete with these bytes; throws when it is not what it must be. */
  push(chunk: Buffer): boolean {
    if (this.#missing === undefined) {
      const bytes = this.#head === undefined ? chunk : Buffer.concat([this.#head, chunk]);
      const end = bytes.indexOf(HEAD_END);
      if (end === -1) {
        if (bytes.length > HEAD_BYTES_MAX) throw new Error("a head without an end");
        this.#head = Buffer.from(bytes);
        return false;
      }
      this.#head = undefined;
      this.#missing = this.bodyBytes(bytes.toString("latin1", 0, end));
      this.#missing -= bytes.length - end - HEAD_END.length;
    } else {
      this.#missing -= chunk.length;
    }
    if (this.#missing < 0) throw new Error(`${-this.#missing} bytes too many`);
    if (this.#missing > 0) return false;
    this.#missing = undefined;
    return true;
  }

  /** How long the body is that follows this head. */
  protected abstract bodyBytes(head: string): number;
}

/** Reads answers: each must be 200, and as long as expected. */
export class AnswerReader extends MessageReader {
  readonly #answerBytes: number;

  constructor(answerBytes: number) {
    super();
    this.#answerBytes = answerBytes;
  }

  protected override bodyBytes(head: string): number {
    const isRight = head.startsWith("HTTP/1.1 200 ") && lengthOf(head) === this.#answerBytes;
    if (!isRight) throw new Error(`not 200 with ${this.#answerBytes} bytes:\n${head}`);
    return this.#answerBytes;
  }
}

/** Reads requests, and remembers what the last one wants. */
export class RequestReader extends MessageReader {
  answer: Buffer = Buffer.of();

  protected override bodyBytes(head: string): number {
    const path = head.slice(head.indexOf(" ") + 1, head.indexOf(" HTTP/1.1\r\n"));
    const wanted = dialogues[path as keyof typeof dialogues];
    if (wanted === undefined || /\r\ntransfer-encoding:/i.test(head)) {
      throw new Error(`no request of this bench:\n${head}`);
    }
    this.answer = wanted.answer;
    return lengthOf(head) ?? 0;
  }
}

function lengthOf(head: string): number | undefined {
  const [, digits] = /\r\ncontent-length: *(\d+)(?:\r\n|$)/i.exec(head) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
