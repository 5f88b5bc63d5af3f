// The first message of TLS, looked at before TLS begins. A listener may have chains with TLS and
// without, each with certificates, authorities and versions of its own, so which chain it is has to
// be known before a handshake can be set up; a callback in the middle of one (SNICallback) can
// change the certificate and nothing else, and knows nothing of ALPN. So the server name and the
// protocols are read here from the bytes, as Envoy's tls_inspector does, and the bytes are then
// given to TLS untouched.
//
// What comes here was written by anyone: every length is checked against what holds it, nothing may
// follow the end, nothing may stand twice (RFC 8446 §4.2), and the whole has a limit. TLS reads the
// same bytes again, and whoever made the two readings differ is turned away after the handshake
// (server-tls.ts).

/** What is known of a client that begins with TLS. */
export interface ClientHello {
  /** In lower case; `undefined` when it named none. */
  readonly serverName: string | undefined;
  /** In the client's order. */
  readonly applicationProtocols: readonly string[];
}

/** What the first bytes of a connection are. */
export type FirstBytes =
  | { readonly kind: "more" }
  /** No TLS. */
  | { readonly kind: "plain" }
  | { readonly kind: "malformed" }
  | { readonly kind: "too-large" }
  | { readonly kind: "hello"; readonly hello: ClientHello };

/** A longer hello is refused (Envoy's `max_client_hello_size`). */
export const HELLO_BYTES_MAX = 16_384;

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const RECORD_BYTES_MAX = 16_384;
const SERVER_NAME = 0;
const ALPN = 16;

const more: FirstBytes = { kind: "more" };
const malformed: FirstBytes = { kind: "malformed" };

/** What the bytes so far are. Pure: more bytes after "more" are asked about together with them. */
export function readFirstBytes(bytes: Uint8Array): FirstBytes {
  if (bytes.length === 0) return more;
  if (bytes[0] !== HANDSHAKE) return { kind: "plain" };
  const message = joinRecords(bytes);
  if (message === "more") return bytes.length < HELLO_BYTES_MAX ? more : { kind: "too-large" };
  if (!(message instanceof Uint8Array)) return { kind: message };
  const hello = readHello(new Cursor(message));
  return hello === undefined ? malformed : { kind: "hello", hello };
}

// The body of the handshake message, which may be spread over records (RFC 8446 §5.1). The
// records' heads are walked first, and nothing is copied before all of it is there.
function joinRecords(bytes: Uint8Array): Uint8Array | "more" | "malformed" | "too-large" {
  const parts: Uint8Array[] = [];
  const head: number[] = [];
  let missing = Number.POSITIVE_INFINITY;
  for (let at = 0; missing > 0; ) {
    if (at + 1 < bytes.length && bytes[at + 1] !== 3) return "malformed";
    if (at < bytes.length && bytes[at] !== HANDSHAKE) return "malformed";
    if (at + 5 > bytes.length) return "more";
    const length = bytes[at + 3]! * 256 + bytes[at + 4]!;
    if (length === 0 || length > RECORD_BYTES_MAX) return "malformed";
    let part = bytes.subarray(at + 5, at + 5 + length);
    const isWhole = part.length === length;
    at += 5 + length;
    while (head.length < 4 && part.length > 0) {
      head.push(part[0]!);
      part = part.subarray(1);
      if (head.length === 1 && head[0] !== CLIENT_HELLO) return "malformed";
      if (head.length === 4) missing = head[1]! * 65_536 + head[2]! * 256 + head[3]!;
    }
    if (missing !== Number.POSITIVE_INFINITY && missing > HELLO_BYTES_MAX) return "too-large";
    // RFC 8446 §5.1: a client has nothing to say behind its hello before it is answered, but early
    // data does follow in records of its own.
    if (head.length === 4 && part.length > missing) return "malformed";
    parts.push(part);
    missing -= part.length;
    if (!isWhole && missing > 0) return "more";
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

// RFC 8446 §4.1.2, RFC 5246 §7.4.1.2: version, random, session, ciphers, compression, extensions.
function readHello(cursor: Cursor): ClientHello | undefined {
  if (cursor.take(2 + 32) === undefined) return undefined;
  const session = cursor.block(1);
  const ciphers = cursor.block(2);
  const compressions = cursor.block(1);
  if (session === undefined || session.length > 32) return undefined;
  if (ciphers === undefined || ciphers.length === 0 || ciphers.length % 2 === 1) return undefined;
  if (compressions === undefined || compressions.length === 0) return undefined;
  if (cursor.isAtEnd) return { serverName: undefined, applicationProtocols: [] };
  const extensions = cursor.block(2);
  return extensions === undefined || !cursor.isAtEnd ? undefined : readExtensions(extensions);
}

function readExtensions(bytes: Uint8Array): ClientHello | undefined {
  const cursor = new Cursor(bytes);
  const seen = new Set<number>();
  let serverName: string | undefined;
  let applicationProtocols: readonly string[] = [];
  while (!cursor.isAtEnd) {
    const kind = cursor.number(2);
    const content = cursor.block(2);
    if (kind === undefined || content === undefined || seen.has(kind)) return undefined;
    seen.add(kind);
    if (kind === SERVER_NAME) {
      serverName = readServerName(new Cursor(content));
      if (serverName === undefined) return undefined;
    } else if (kind === ALPN) {
      const protocols = readProtocols(new Cursor(content));
      if (protocols === undefined) return undefined;
      applicationProtocols = protocols;
    }
  }
  return { serverName, applicationProtocols };
}

// RFC 6066 §3: a list in which only one kind of name was ever defined, and each kind once.
function readServerName(outer: Cursor): string | undefined {
  const list = outer.block(2);
  if (list === undefined || !outer.isAtEnd) return undefined;
  const cursor = new Cursor(list);
  const kind = cursor.number(1);
  const name = cursor.block(2);
  if (kind !== 0 || name === undefined || !cursor.isAtEnd) return undefined;
  const text = Buffer.from(name).toString("latin1");
  return /^[A-Za-z0-9._:-]{1,255}$/.test(text) ? text.toLowerCase() : undefined;
}

// RFC 7301 §3.1: names of 1 to 255 bytes, at least one of them.
function readProtocols(outer: Cursor): string[] | undefined {
  const list = outer.block(2);
  if (list === undefined || list.length === 0 || !outer.isAtEnd) return undefined;
  const cursor = new Cursor(list);
  const protocols: string[] = [];
  while (!cursor.isAtEnd) {
    const name = cursor.block(1);
    if (name === undefined || name.length === 0) return undefined;
    protocols.push(Buffer.from(name).toString("latin1"));
  }
  return protocols;
}

/** Reads from the front; `undefined` when there is too little. */
class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(length: number): Uint8Array | undefined {
    if (this.#at + length > this.#bytes.length) return undefined;
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  number(bytes: 1 | 2): number | undefined {
    return this.take(bytes)?.reduce((sum, byte) => sum * 256 + byte, 0);
  }

  /** What stands behind its length. */
  block(lengthBytes: 1 | 2): Uint8Array | undefined {
    const length = this.number(lengthBytes);
    return length === undefined ? undefined : this.take(length);
  }
}
