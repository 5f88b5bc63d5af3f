// Frames of HTTP/2 as an attacker writes them (RFC 9113 §4.1), and header blocks without any
// compression (RFC 7541 §6.2.2: literals with new names), so that a test says what it sends.

const types = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const END_STREAM = 1;
export const END_HEADERS = 4;

export const preface: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export function frame(
  type: keyof typeof types,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = types[type];
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A payload of 32-bit numbers. */
export function words(...numbers: readonly number[]): Buffer {
  const payload = Buffer.alloc(numbers.length * 4);
  for (const [i, number] of numbers.entries()) payload.writeUInt32BE(number, i * 4);
  return payload;
}

/** A field section; names and values in latin1. */
export function block(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]),
  );
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const prefix = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) prefix.push((rest % 128) + 128);
  prefix.push(rest);
  return Buffer.concat([Buffer.from(prefix), bytes]);
}

export interface SeenFrame {
  readonly type: string;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** The whole frames of what a server sent. */
export function framesOf(bytes: Buffer): SeenFrame[] {
  const names = new Map<number, string>(Object.entries(types).map(([name, type]) => [type, name]));
  const frames: SeenFrame[] = [];
  for (let at = 0; at + 9 <= bytes.length; ) {
    const length = bytes.readUIntBE(at, 3);
    if (at + 9 + length > bytes.length) break;
    frames.push({
      type: names.get(bytes[at + 3]!) ?? `type ${bytes[at + 3]}`,
      flags: bytes[at + 4]!,
      stream: bytes.readUInt32BE(at + 5) & 0x7fffffff,
      payload: bytes.subarray(at + 9, at + 9 + length),
    });
    at += 9 + length;
  }
  return frames;
}

/** The status of a response: RFC 7541 Appendix A has seven of them, the others are literals. */
export function statusOf({ payload }: SeenFrame): number {
  const first = payload[0] ?? 0;
  const indexed: Readonly<Record<number, number>> = {
    136: 200,
    137: 204,
    138: 206,
    139: 304,
    140: 400,
    141: 404,
    142: 500,
  };
  if (indexed[first] !== undefined) return indexed[first];
  const length = payload[1]! & 0x7f;
  const isHuffman = (payload[1]! & 0x80) !== 0;
  const text = payload.subarray(2, 2 + length);
  return Number(isHuffman ? digitsOf(text) : text.toString("latin1"));
}

// Huffman codes of the ten digits (RFC 7541 Appendix B): five bits for 0 to 2, six for the others.
function digitsOf(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  let digits = "";
  for (let at = 0; at + 5 <= bits.length; ) {
    const five = Number.parseInt(bits.slice(at, at + 5), 2);
    if (five <= 2) {
      digits += five;
      at += 5;
      continue;
    }
    const six = Number.parseInt(bits.slice(at, at + 6), 2);
    if (six < 0x19 || six > 0x1f) break;
    digits += six - 0x19 + 3;
    at += 6;
  }
  return digits;
}

/** The head of a GET, which is all of the request. */
export const get = (stream: number): Buffer =>
  frame(
    "headers",
    END_HEADERS | END_STREAM,
    stream,
    block([
      [":method", "GET"],
      [":scheme", "http"],
      [":authority", "a.example"],
      [":path", "/"],
    ]),
  );
