// Planted bugs of links over gRPC. A place that is no longer found fails loudly.
import type { Mutant } from "@compendium/house/planted";

const mutant = (file: string, name: string, search: string, replacement: string): Mutant => {
  return { file: `grpc/${file}`, name, search, replacement };
};
const link = mutant.bind(undefined, "grpc-link.ts");
const queue = mutant.bind(undefined, "send-queue.ts");
const frame = mutant.bind(undefined, "frame.ts");
const connect = mutant.bind(undefined, "connect.ts");
const listen = mutant.bind(undefined, "listen.ts");

export const mutants: readonly Mutant[] = [
  link("a full inbox does not stop the reading", "if (hasRoom) this.#ask();", "this.#ask();"),
  link("an inbox that has room again is not fed", "onRoom: () => this.#ask()", "onRoom: () => {}"),
  link("a frame that waits is asked for from within", "if (this.#asking) return;", ""),
  link(
    "every message has a frame of its own",
    "this.#queue.take(this.#frameBytesMax)",
    "this.#queue.take(0)",
  ),
  link("a frame is as large as the queue", "Math.min(BATCH_BYTES_MAX, ", "Math.max(2 ** 30, "),
  link(
    "a message behind another waits for the next send",
    "      this.#flush();\n    });",
    "    });",
  ),
  link(
    "closing does not send what is queued",
    "    this.#ask();\n    this.#flush();",
    "    this.#ask();\n    this.#queue.clear();\n    this.#flush();",
  ),
  link("closing does not read on", "    this.#linger();\n    this.#ask();", "    this.#linger();"),
  link(
    "closing has no end",
    "setTimeout(() => this.#wire.destroy(), this.#limits.lingerMs)",
    "setTimeout(() => {}, this.#limits.lingerMs)",
  ),
  link("closing does not say so", "if (!this.#open) this.#end();", ""),
  link(
    "a link that is gone does not answer drained",
    "    this.#queue.close();\n    this.#queue.clear();\n    this.#wire.destroy();",
    "    this.#queue.clear();",
  ),
  link(
    "a frame above the limit is not counted",
    'if (fault.code === "FRAME_TOO_LARGE") this.#counts.framesRefused++;',
    "",
  ),
  link(
    "what the peer is told is not why",
    "return this.#wire.refuse(fault.message);",
    'return this.#wire.refuse("");',
  ),
  queue("the room of what has left is not given back", "this.#bytes -= cost;", ""),
  queue("a queue has no bound", "this.#bytes + cost > this.#bytesMax", "false"),
  queue(
    "an empty message is free",
    "const MESSAGE_OVERHEAD_BYTES = 64;",
    "const MESSAGE_OVERHEAD_BYTES = 0;",
  ),
  queue(
    "a frame has any number of messages",
    "Math.min(this.#messages.length, from + FRAME_MESSAGES_MAX)",
    "this.#messages.length",
  ),
  frame(
    "a message may be larger than the limit",
    "if (length > messageBytesMax)",
    "if (length > 2 ** 30)",
  ),
  frame("a frame that ends early is believed", "if (cursor.failed) throw", "if (false) throw"),
  frame(
    "fields that are not ours are refused",
    "  const wireType = tag % 8;",
    "  const wireType = 7;",
  ),
  frame(
    "messages are Buffers",
    "new Uint8Array(frame.buffer, frame.byteOffset, frame.length)",
    "frame",
  ),
  connect(
    "grpc-js makes a refused call again",
    '"grpc.enable_retries": 0',
    '"grpc.enable_retries": 1',
  ),
  connect(
    "connections are shared",
    '"grpc.use_local_subchannel_pool": 1',
    '"grpc.use_local_subchannel_pool": 0',
  ),
  connect(
    "a link that is over keeps its connection",
    "        this.#client.close();\n        if",
    "        if",
  ),
  connect(
    "the limit of grpc-js stands",
    '"grpc.max_receive_message_length": frameBytesMax(settings.messageBytesMax),',
    "",
  ),
  connect("nobody is given up", '      fail(new RuntimeError("CONNECT_FAILED", message));', ""),
  connect(
    "what is too large is a broken link",
    'details.startsWith("Received message larger")',
    "false",
  ),
  listen("what is too large is a cancelled call", "    this.#hearRefusals();\n", ""),
  listen(
    "what is no link stays",
    "setTimeout(() => socket.destroy(), handshakeMs)",
    "setTimeout(() => {}, handshakeMs)",
  ),
  listen(
    "a connection has any number of links",
    "if (arrival?.timer === undefined) {",
    "if (arrival === undefined) {",
  ),
  listen(
    "a listener holds any number of links",
    "this.#acceptor.maxConnections = settings.linksMax;",
    "",
  ),
  listen(
    "a link that is destroyed waits for its peer",
    "  destroy(): void {\n    this.#ended = true;\n    this.#socket.destroy();",
    "  destroy(): void {\n    this.end();",
  ),
];
