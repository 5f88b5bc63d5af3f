// What the reader of ClientHellos must see, and what it must not take.
import assert from "node:assert/strict";
import type { FirstBytes } from "../../src/tls/client-hello.ts";
import {
  alpnExtension,
  block,
  extension,
  helloMessage,
  inRecords,
  number,
  serverNameExtension,
} from "./hello-bytes.ts";

type Read = (bytes: Uint8Array) => FirstBytes;

const sni = serverNameExtension("A.example");
const alpn = alpnExtension("h2", "http/1.1");
const whole = helloMessage(sni, alpn);

const isMalformed = (read: Read, ...extensions: readonly Buffer[]): void =>
  assert.equal(read(inRecords(helloMessage(...extensions))).kind, "malformed");

export const clientHelloTraps: Readonly<Record<string, (read: Read) => void>> = {
  "RFC 6066 §3, RFC 7301 §3.1: the name, in lower case, and the protocols, in the client's order": (
    read,
  ) => {
    const hello = { serverName: "a.example", applicationProtocols: ["h2", "http/1.1"] };
    assert.deepEqual(read(inRecords(whole)), { kind: "hello", hello });
  },
  "RFC 8446 §5.1: one message in many records is one message": (read) => {
    for (const bytes of [1, 2, 3, 5, 64]) {
      assert.deepEqual(read(inRecords(whole, bytes)), read(inRecords(whole)));
    }
  },
  "every beginning of a hello asks for more": (read) => {
    for (const bytes of [inRecords(whole), inRecords(whole, 7)]) {
      for (let end = 0; end < bytes.length; end++) {
        assert.equal(read(bytes.subarray(0, end)).kind, "more", `${end} bytes`);
      }
    }
  },
  "what stands in records behind the hello is not its own": (read) => {
    const early = Buffer.concat([inRecords(whole), Buffer.of(23, 3, 3, 0, 1, 0)]);
    assert.equal(read(early).kind, "hello");
  },
  "a hello without extensions names nobody": (read) => {
    const body = helloMessage().subarray(4, -2);
    const message = Buffer.concat([Buffer.of(1), block(3, body)]);
    const hello = { serverName: undefined, applicationProtocols: [] };
    assert.deepEqual(read(inRecords(message)), { kind: "hello", hello });
  },
  "what does not begin with a handshake is no TLS": (read) => {
    for (const text of ["GET / HTTP/1.1\r\n", "PRI * HTTP/2.0", "\0", "\x15\x03\x01"]) {
      assert.equal(read(Buffer.from(text, "latin1")).kind, "plain");
    }
  },
  "a record of another protocol's version, an empty one and one that is too long are refused": (
    read,
  ) => {
    assert.equal(read(Buffer.of(22, 2)).kind, "malformed");
    assert.equal(read(Buffer.of(22, 3, 1, 0, 0)).kind, "malformed");
    assert.equal(read(Buffer.of(22, 3, 1, 0x40, 1)).kind, "malformed");
  },
  "another handshake message than a hello is refused": (read) => {
    assert.equal(read(Buffer.of(22, 3, 1, 0, 4, 2, 0, 0, 0)).kind, "malformed");
  },
  "a hello of more than 16 KiB is refused before it is there, however it is cut": (read) => {
    const long = helloMessage(extension(99, Buffer.alloc(17_000)));
    assert.equal(read(inRecords(long).subarray(0, 20)).kind, "too-large");
    const records = inRecords(helloMessage(extension(99, Buffer.alloc(16_000))), 16);
    assert.equal(read(records.subarray(0, 16_384)).kind, "too-large");
  },
  "RFC 8446 §4.2: an extension that stands twice is refused": (read) => {
    isMalformed(read, sni, sni);
    isMalformed(read, alpn, alpn);
    isMalformed(read, extension(77, Buffer.of()), extension(77, Buffer.of()));
  },
  "RFC 6066 §3: two names, none, and an empty one are refused": (read) => {
    isMalformed(read, serverNameExtension("a.example", "b.example"));
    isMalformed(read, extension(0, block(2)));
    isMalformed(read, serverNameExtension(""));
  },
  "a name with a zero byte, a space or a letter beyond ASCII is refused": (read) => {
    for (const name of ["a\0.example", "a b", "ä.example", "a/b", "a".repeat(256)]) {
      isMalformed(read, serverNameExtension(name));
    }
  },
  "lengths that do not fit what holds them are refused": (read) => {
    isMalformed(read, extension(0, number(500, 2)));
    isMalformed(read, extension(16, Buffer.concat([number(3, 2), Buffer.of(9, 104, 50)])));
    isMalformed(read, Buffer.of(0, 0, 0));
    isMalformed(
      read,
      extension(0, Buffer.concat([block(2, Buffer.of(0, 0, 1, 97)), Buffer.of(1)])),
    );
    const cut = Buffer.from(whole);
    cut[4 + 2 + 32] = 33;
    assert.equal(read(inRecords(cut)).kind, "malformed");
  },
  "RFC 7301 §3.1: protocols without a name are refused": (read) => {
    isMalformed(read, alpnExtension(""));
    isMalformed(read, alpnExtension());
  },
  "nothing follows the hello in its record": (read) => {
    assert.equal(read(inRecords(Buffer.concat([whole, Buffer.of(0)]))).kind, "malformed");
  },
  "nothing follows the extensions": (read) => {
    const body = Buffer.concat([whole.subarray(4), Buffer.of(0)]);
    const message = Buffer.concat([Buffer.of(1), block(3, body)]);
    assert.equal(read(inRecords(message)).kind, "malformed");
  },
};
