// ClientHellos for tests: the platform's own, and any that one can make up.

import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";

/** The first bytes that node:tls sends. */
export function realHello(
  serverName: string | undefined,
  protocols: readonly string[],
): Promise<Buffer> {
  return new Promise((resolve) => {
    const wire = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        resolve(chunk);
        done();
        wire.destroy();
      },
    });
    const socket = connectTls({
      socket: wire,
      ...(serverName !== undefined && { servername: serverName }),
      ...(protocols.length > 0 && { ALPNProtocols: [...protocols] }),
    });
    socket.on("error", () => {});
    wire.on("error", () => {});
  });
}

/** A number in so many bytes. */
export function number(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

/** Content behind its length. */
export function block(lengthBytes: number, ...content: Uint8Array[]): Buffer {
  const all = Buffer.concat(content);
  return Buffer.concat([number(all.length, lengthBytes), all]);
}

export function extension(kind: number, content: Uint8Array): Buffer {
  return Buffer.concat([number(kind, 2), block(2, content)]);
}

export function serverNameExtension(...names: readonly (string | Uint8Array)[]): Buffer {
  const entries = names.map((name) => Buffer.concat([Buffer.of(0), block(2, Buffer.from(name))]));
  return extension(0, block(2, ...entries));
}

export function alpnExtension(...protocols: readonly string[]): Buffer {
  return extension(16, block(2, ...protocols.map((one) => block(1, Buffer.from(one)))));
}

/** The handshake message, without records around it. */
export function helloMessage(...extensions: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat([
    Buffer.of(3, 3),
    Buffer.alloc(32, 7),
    block(1, Buffer.alloc(32, 9)),
    block(2, Buffer.of(0x13, 0x01)),
    block(1, Buffer.of(0)),
    block(2, ...extensions),
  ]);
  return Buffer.concat([Buffer.of(1), block(3, body)]);
}

/** In records of at most so many bytes. */
export function inRecords(message: Uint8Array, bytesMax = 16_384): Buffer {
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += bytesMax) {
    records.push(Buffer.of(22, 3, 1), block(2, message.subarray(at, at + bytesMax)));
  }
  return Buffer.concat(records);
}
