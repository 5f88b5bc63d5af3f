// As much of HTTP/2 (RFC 9113) as a load needs that always says the same: frames, and field blocks
// that were encoded by hand (RFC 7541: literals without indexing and static entries, so that a
// block's bytes mean the same on every connection).

/** Types of frames, as far as they are looked at (RFC 9113 §6). */
export const Frame = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of frames. */
export const Flag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8 } as const;

const HEAD_BYTES = 9;
const WINDOW_MAX = 2 ** 31 - 1;

export const preface: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** A frame. */
export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  payload.copy(bytes, HEAD_BYTES);
  return bytes;
}

/** Writes another stream's number into a frame that begins here. */
export function patchStream(bytes: Buffer, at: number, stream: number): void {
  bytes.writeUInt32BE(stream, at + 5);
}

/**
 * What either side begins with: no dynamic table, and windows that the bench never fills. What it
 * sends itself fits into any window, since no more than a few kilobytes are ever under way.
 */
export const opening: Buffer = Buffer.concat([
  frame(Frame.settings, 0, 0, Buffer.concat([setting(1, 0), setting(4, WINDOW_MAX)])),
  frame(Frame.windowUpdate, 0, 0, uint32(WINDOW_MAX - 65_535)),
]);

function setting(id: number, value: number): Buffer {
  return Buffer.concat([Buffer.of(0, id), uint32(value)]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** The answer that a connection's own frame asks for, if any; throws where the peer gives up. */
export function answerTo(type: number, flags: number, payload: Buffer): Buffer | undefined {
  if (type === Frame.goAway || type === Frame.reset) {
    throw new Error(`a frame of type ${type}: ${payload.toString("hex")}`);
  }
  if (flags & Flag.ack) return undefined;
  if (type === Frame.settings) return frame(Frame.settings, Flag.ack, 0, Buffer.of());
  if (type === Frame.ping) return frame(Frame.ping, Flag.ack, 0, Buffer.from(payload));
  return undefined;
}

/** What a reader does with a frame; the payload is not kept past the call. */
export type OnFrame = (type: number, flags: number, stream: number, payload: Buffer) => void;

/** Cuts a stream of bytes into frames. */
export class FrameReader {
  readonly #onFrame: OnFrame;
  #rest: Buffer = Buffer.of();

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= HEAD_BYTES) {
      const end = at + HEAD_BYTES + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      const stream = bytes.readUInt32BE(at + 5);
      const payload = bytes.subarray(at + HEAD_BYTES, end);
      this.#onFrame(bytes[at + 3] as number, bytes[at + 4] as number, stream, payload);
      at = end;
    }
    this.#rest = at === bytes.length ? Buffer.of() : Buffer.from(bytes.subarray(at));
  }
}

/** A field whose name is an entry of the static table. */
export function indexed(name: number, value: string): Buffer {
  const index = name < 15 ? Buffer.of(name) : Buffer.of(15, name - 15);
  return Buffer.concat([index, string(value)]);
}

/** A field with its name in full. */
export function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0), string(name), string(value)]);
}

function string(value: string): Buffer {
  if (value.length > 126) throw new RangeError(`longer than 126: ${value}`);
  return Buffer.concat([Buffer.of(value.length), Buffer.from(value)]);
}
