// The messages of gRPC's interoperability tests (grpc/testing/messages.proto), as far as the tests
// here need them, and proto3's encoding of them.
// https://protobuf.dev/programming-guides/encoding

type Kind = "number" | "boolean" | "text" | "bytes" | Shape;
interface Shape {
  readonly [field: string]: readonly [number: number, kind: Kind, "repeated"?];
}

export interface Payload {
  readonly body: Buffer;
}

interface Wish {
  readonly value: boolean;
}

interface Status {
  readonly code: number;
  readonly message: string;
}

export interface SimpleRequest {
  readonly responseSize?: number;
  readonly payload?: Payload;
  readonly responseCompressed?: Wish;
  readonly responseStatus?: Status;
  readonly expectCompressed?: Wish;
}

export interface SimpleResponse {
  readonly payload?: Payload;
}

export interface InputRequest {
  readonly payload?: Payload;
  readonly expectCompressed?: Wish;
}

export interface InputResponse {
  readonly aggregatedPayloadSize?: number;
}

export interface ResponseParameters {
  readonly size?: number;
  readonly compressed?: Wish;
}

export interface OutputRequest {
  readonly responseParameters?: readonly ResponseParameters[];
  readonly payload?: Payload;
  readonly responseStatus?: Status;
}

export interface OutputResponse {
  readonly payload?: Payload;
}

const wish: Shape = { value: [1, "boolean"] };
const payload: Shape = { body: [2, "bytes"] };
const status: Shape = { code: [1, "number"], message: [2, "text"] };
const parameters: Shape = { size: [1, "number"], compressed: [3, wish] };

const shapes = {
  empty: {},
  simpleRequest: {
    responseSize: [2, "number"],
    payload: [3, payload],
    responseCompressed: [6, wish],
    responseStatus: [7, status],
    expectCompressed: [8, wish],
  },
  simpleResponse: { payload: [1, payload] },
  inputRequest: { payload: [1, payload], expectCompressed: [2, wish] },
  inputResponse: { aggregatedPayloadSize: [1, "number"] },
  outputRequest: {
    responseParameters: [2, parameters, "repeated"],
    payload: [3, payload],
    responseStatus: [7, status],
  },
  outputResponse: { payload: [1, payload] },
} satisfies Record<string, Shape>;

/** Both directions of one message. */
export interface Format<T> {
  readonly serialize: (value: T) => Buffer;
  readonly deserialize: (bytes: Buffer) => T;
}

const formatOf = <T extends object>(shape: Shape): Format<T> => ({
  serialize: (value) => encode(shape, value as Readonly<Record<string, unknown>>),
  deserialize: (bytes) => decode(shape, bytes) as T,
});

export const formats: {
  readonly empty: Format<object>;
  readonly simpleRequest: Format<SimpleRequest>;
  readonly simpleResponse: Format<SimpleResponse>;
  readonly inputRequest: Format<InputRequest>;
  readonly inputResponse: Format<InputResponse>;
  readonly outputRequest: Format<OutputRequest>;
  readonly outputResponse: Format<OutputResponse>;
} = {
  empty: formatOf(shapes.empty),
  simpleRequest: formatOf(shapes.simpleRequest),
  simpleResponse: formatOf(shapes.simpleResponse),
  inputRequest: formatOf(shapes.inputRequest),
  inputResponse: formatOf(shapes.inputResponse),
  outputRequest: formatOf(shapes.outputRequest),
  outputResponse: formatOf(shapes.outputResponse),
};

const [VARINT, LENGTH] = [0, 2];

function encode(shape: Shape, value: Readonly<Record<string, unknown>>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, [number, kind]] of Object.entries(shape)) {
    const given = value[name];
    const all = Array.isArray(given) ? given : [given];
    for (const one of all) if (one !== undefined) parts.push(encodeField(number, kind, one));
  }
  return Buffer.concat(parts);
}

function encodeField(number: number, kind: Kind, value: unknown): Buffer {
  if (kind === "number" || kind === "boolean") {
    return Buffer.concat([varint((number << 3) | VARINT), varint(Number(value))]);
  }
  const bytes = encodeBytes(kind, value);
  return Buffer.concat([varint((number << 3) | LENGTH), varint(bytes.length), bytes]);
}

function encodeBytes(kind: Exclude<Kind, "number" | "boolean">, value: unknown): Buffer {
  if (kind === "text") return Buffer.from(value as string);
  if (kind === "bytes") return value as Buffer;
  return encode(kind, value as Readonly<Record<string, unknown>>);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push((rest % 128) | (rest >= 128 ? 128 : 0));
    if (rest < 128) return Buffer.from(bytes);
  }
}

function decode(shape: Shape, bytes: Buffer): object {
  const message: Record<string, unknown> = {};
  for (let at = 0; at < bytes.length; ) {
    const [key, afterKey] = readVarint(bytes, at);
    const [number, afterNumber] = readVarint(bytes, afterKey);
    const isBytes = (key & 7) === LENGTH;
    at = isBytes ? afterNumber + number : afterNumber;
    const field = Object.entries(shape).find(([, [known]]) => known === key >> 3);
    if (field === undefined) continue;
    const [name, [, kind, repeated]] = field;
    const value = isBytes ? decodeBytes(kind, bytes.subarray(afterNumber, at)) : number;
    const read = kind === "boolean" ? value === 1 : value;
    message[name] = repeated ? [...((message[name] as unknown[]) ?? []), read] : read;
  }
  return message;
}

function decodeBytes(kind: Kind, bytes: Buffer): unknown {
  if (kind === "text") return bytes.toString();
  return typeof kind === "object" ? decode(kind, bytes) : bytes;
}

function readVarint(bytes: Buffer, from: number): [value: number, next: number] {
  let value = 0;
  for (let at = from, factor = 1; ; at++, factor *= 128) {
    const byte = bytes[at];
    if (byte === undefined) throw new RangeError("a message ends in the middle of a number");
    value += (byte % 128) * factor;
    if (byte < 128) return [value, at + 1];
  }
}
