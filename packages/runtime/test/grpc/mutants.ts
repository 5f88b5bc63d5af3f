// Planted bugs of links over gRPC, each with the beginning of the sentence that it breaks first. A
// place that is no longer found fails loudly, and so does a sentence that no trap has.
import type { Mutant } from "@compendium/house/planted";

/** A planted bug, and what it breaks. */
export interface LinkMutant extends Mutant {
  /** How the name of a trap begins that finds it. */
  readonly breaks: string;
}

const mutant = (
  file: string,
  name: string,
  breaks: string,
  search: string,
  replacement: string,
): LinkMutant => {
  return { file: `grpc/${file}`, name, breaks, search, replacement };
};
const link = mutant.bind(undefined, "grpc-link.ts");
const queue = mutant.bind(undefined, "send-queue.ts");
const frame = mutant.bind(undefined, "frame.ts");
const connect = mutant.bind(undefined, "connect.ts");
const listen = mutant.bind(undefined, "listen.ts");
const tls = mutant.bind(undefined, "tls.ts");

export const mutants: readonly LinkMutant[] = [
  link(
    "a full inbox does not stop the reading",
    "a receiver that does not iterate",
    "if (hasRoom) this.#ask();",
    "this.#ask();",
  ),
  link(
    "an inbox that has room again is not fed",
    "a receiver that does not iterate",
    "onRoom: () => this.#ask()",
    "onRoom: () => {}",
  ),
  link(
    "a frame that waits is asked for from within",
    "thousands of empty frames",
    "if (this.#asking) return;",
    "",
  ),
  link(
    "every message has a frame of its own",
    "thousands of messages",
    "this.#queue.take(this.#frameBytesMax)",
    "this.#queue.take(0)",
  ),
  link(
    "a frame is as large as the queue",
    "closing sends what is queued",
    "Math.min(BATCH_BYTES_MAX, ",
    "Math.max(2 ** 30, ",
  ),
  link(
    "a message behind another waits for the next send",
    "thousands of messages",
    "      this.#flush();\n    });",
    "    });",
  ),
  link(
    "closing does not send what is queued",
    "a message is a Uint8Array",
    "    this.#ask();\n    this.#flush();",
    "    this.#ask();\n    this.#queue.clear();\n    this.#flush();",
  ),
  link(
    "closing does not read on",
    "closing reads on",
    "    this.#linger();\n    this.#ask();",
    "    this.#linger();",
  ),
  link(
    "closing has no end",
    "a peer that never reads",
    "setTimeout(() => this.#wire.destroy(), this.#limits.lingerMs)",
    "setTimeout(() => {}, this.#limits.lingerMs)",
  ),
  link("closing does not say so", "a message is a Uint8Array", "if (!this.#open) this.#end();", ""),
  link(
    "a link that is gone does not answer drained",
    "a link that is destroyed",
    "    this.#queue.close();\n    this.#queue.clear();\n    this.#wire.destroy();",
    "    this.#queue.clear();",
  ),
  link(
    "a frame above the limit is not counted",
    "a message above the receiver's limit",
    'if (fault.code === "FRAME_TOO_LARGE") this.#counts.framesRefused++;',
    "",
  ),
  link(
    "what the peer is told is not why",
    "bytes that are no frame",
    "return this.#wire.refuse(fault.message);",
    'return this.#wire.refuse("");',
  ),
  queue(
    "the room of what has left is not given back",
    "the queue counts",
    "this.#bytes -= cost;",
    "",
  ),
  queue("a queue has no bound", "the queue counts", "this.#bytes + cost > this.#bytesMax", "false"),
  queue(
    "an empty message is free",
    "an empty message",
    "const MESSAGE_OVERHEAD_BYTES = 64;",
    "const MESSAGE_OVERHEAD_BYTES = 0;",
  ),
  queue(
    "a frame has any number of messages",
    "thousands of messages",
    "Math.min(this.#messages.length, from + FRAME_MESSAGES_MAX)",
    "this.#messages.length",
  ),
  frame(
    "a message may be larger than the limit",
    "a message above the receiver's limit",
    "if (length > messageBytesMax)",
    "if (length > 2 ** 30)",
  ),
  frame(
    "a frame that ends early is believed",
    "bytes that are no frame",
    "if (cursor.failed) throw",
    "if (false) throw",
  ),
  frame(
    "fields that are not ours are refused",
    "fields of a later version",
    "  const wireType = tag % 8;",
    "  const wireType = 7;",
  ),
  frame(
    "messages are Buffers",
    "a message is a Uint8Array",
    "new Uint8Array(frame.buffer, frame.byteOffset, frame.length)",
    "frame",
  ),
  connect(
    "grpc-js makes a refused call again",
    "a call that is refused",
    '"grpc.enable_retries": 0',
    '"grpc.enable_retries": 1',
  ),
  connect(
    "connections are shared",
    "two links to one address",
    '"grpc.use_local_subchannel_pool": 1',
    '"grpc.use_local_subchannel_pool": 0',
  ),
  connect(
    "a link that is over keeps its connection",
    "closing sends what is queued",
    "        this.#client.close();\n        if",
    "        if",
  ),
  connect(
    "the limit of grpc-js stands",
    "a message above the limit that grpc-js has",
    '"grpc.max_receive_message_length": frameBytesMax(settings.messageBytesMax),',
    "",
  ),
  connect(
    "nobody is given up",
    "whoever answers nothing",
    '      fail(new RuntimeError("CONNECT_FAILED", message));',
    "",
  ),
  connect(
    "what is too large is a broken link",
    "a message above the receiver's limit",
    'details.startsWith("Received message larger")',
    "false",
  ),
  listen(
    "what is too large is a cancelled call",
    "a message above the receiver's limit",
    "    this.#hearRefusals();\n",
    "",
  ),
  listen(
    "what is no link stays",
    "what speaks another protocol",
    "setTimeout(() => socket.destroy(), handshakeMs)",
    "setTimeout(() => {}, handshakeMs)",
  ),
  listen(
    "a connection has any number of links",
    "a connection has one link",
    "if (arrival?.timer === undefined) {",
    "if (arrival === undefined) {",
  ),
  listen(
    "a listener holds any number of links",
    "a listener holds linksMax",
    "this.#acceptor.maxConnections = settings.linksMax;",
    "",
  ),
  listen(
    "a link that is destroyed waits for its peer",
    "a link that is destroyed",
    "  destroy(): void {\n    this.#ended = true;\n    this.#socket.destroy();",
    "  destroy(): void {\n    this.end();",
  ),
  mutant(
    "wire.ts",
    "all protocols are one",
    "two protocols do not meet",
    "path: `/",
    "path: `/any/Link` || `/",
  ),
  mutant(
    "connect-failed.ts",
    "who dials another protocol is not told",
    "two protocols do not meet",
    "[/UNIMPLEMENTED/, ",
    "[/NEVER/, ",
  ),
  mutant(
    "grpc-transport.ts",
    "a listener keeps the certificates that it began with",
    "certificates that were replaced",
    "for (const listener of this.#listeners) listener.refreshCertificates();",
    "",
  ),
  tls(
    "a new certificate is not shown to listeners",
    "certificates that were replaced",
    "this.#context = tls.createSecureContext(pem);",
    "tls.createSecureContext(pem);",
  ),
  tls(
    "no certificate is asked for",
    "members of one authority",
    "const requestCert = this.#options.requireClientCertificate ?? true;",
    "const requestCert = false;",
  ),
  tls(
    "the name of a listener does not matter",
    "a listener must have the name",
    "if (wrongName !== undefined) return wrongName;",
    "",
  ),
  tls(
    "verifyPeer is not asked about a listener",
    "verifyPeer has",
    "if (verifyPeer?.(certificate) ?? true) return undefined;",
    "return undefined;",
  ),
  tls(
    "verifyPeer is not asked about who connects",
    "verifyPeer has",
    "(verifyPeer?.(socket.getPeerCertificate()) ?? true)",
    "true",
  ),
];
