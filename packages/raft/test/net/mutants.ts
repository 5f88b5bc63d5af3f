// Planted bugs of the way between members, one for each promise that it makes. A place that is no
// longer found fails loudly.
import type { Mutant } from "@compendium/house/planted";

const mutant = (file: string, name: string, search: string, replacement: string): Mutant => {
  return { name, file: `net/${file}`, search, replacement };
};
const link = mutant.bind(undefined, "message-link.ts");
const peer = mutant.bind(undefined, "peer.ts");
const network = mutant.bind(undefined, "peer-links.ts");
const outbox = mutant.bind(undefined, "outbox.ts");
const handshake = mutant.bind(undefined, "handshake.ts");
const around = mutant.bind(undefined, "surroundings.ts");
const sender = mutant.bind(undefined, "snapshot-sender.ts");
const receiver = mutant.bind(undefined, "snapshot-receiver.ts");

export const mutants: readonly Mutant[] = [
  outbox(
    "an append without entries overtakes those that have some",
    'type !== "append" && type !== "propose"',
    '(type !== "append" || arguments[0].entries.length === 0) && type !== "propose"',
  ),
  outbox("a queue has no limit of messages", "count >= this.#countMax || ", ""),
  outbox("a queue has no limit of bytes", " || this.#bytes + bytes > this.#bytesMax", ""),
  outbox(
    "a message may be larger than a frame",
    "if (bytes > this.#messageBytesMax) return false;",
    "",
  ),
  link("bulk knows no window", "take(bulk, windowBytes);", "take(bulk, Infinity);"),
  link(
    "what is urgent knows no window",
    "take(urgent, 2 * windowBytes);",
    "take(urgent, Infinity);",
  ),
  link("each message has a frame of its own", "bytes + queue.nextBytes > BATCH_BYTES", "true"),
  link(
    "entries go before what is urgent",
    "take(urgent, 2 * windowBytes);\n    take(bulk, windowBytes);",
    "take(bulk, windowBytes);\n    take(urgent, 2 * windowBytes);",
  ),
  link(
    "what is received is acknowledged only along with messages",
    "if (this.#received > this.#said) this.#acknowledge();",
    "",
  ),
  link(
    "a window that was used up is not acknowledged",
    "if (this.#received - this.#said >= ACKNOWLEDGE_BYTES) this.#owner.wake();",
    "",
  ),
  link("silence is not noticed", "nowMs - silentSinceMs >= silenceMs", "false"),
  link(
    "a process that stood still blames the other",
    "if (nowMs - dueMs > silenceMs / 4) this.#heardMs = nowMs;",
    "",
  ),
  link(
    "a timer goes on where nothing is outstanding",
    "if (this.#received > this.#said || this.isUnanswered) this.#arm();",
    "this.#arm();",
  ),
  link("a member may speak for another", "from === this.id ||", "true ||"),
  link("messages to another member are delivered", "each.to !== self.id || ", ""),
  link(
    "a follower passes nothing on",
    'type === "propose" || type === "read-index"',
    'type === "propose"',
  ),
  link("more is acknowledged than was sent", " && acknowledged <= this.#sent", ""),
  link("what follows an acknowledgement is not looked at", " || cursor.at < cursor.end", ""),
  peer(
    "a link that may give way is sent on",
    "if (this.#attempt === undefined) {\n      if (this.#link !== undefined) this.#link.pump();\n      else",
    "if (this.#link !== undefined) this.#link.pump();\n    else if (this.#attempt === undefined) {",
  ),
  peer(
    "a link that both ends have gives way to the next",
    "return !link.isDialedByUs ||",
    "return true ||",
  ),
  peer(
    "both give up their own attempt",
    "!(attempt.hasSaidHello && this.#around.self.id < this.id)",
    "true",
  ),
  peer(
    "neither gives up its own attempt",
    "!(attempt.hasSaidHello && this.#around.self.id < this.id)",
    "!attempt.hasSaidHello",
  ),
  peer(
    "a member that has started anew waits for its old link",
    "theirs.life !== link.life || ",
    "",
  ),
  peer("a member that has lost its link is not believed", " || theirs.gone === link.name", ""),
  peer("who is down is dialed without a pause", "this.#around.nowMs < this.#retryAtMs", "false"),
  peer(
    "pauses grow without end",
    "this.#failures = 0;\n    this.#retryAtMs = Number.NEGATIVE_INFINITY;\n  }\n\n  wake",
    "}\n\n  wake",
  ),
  peer("nobody is told of a link that broke", "if (link.isUnanswered) this.#dropped = true;", ""),
  peer(
    "a member that has left keeps its link",
    "    this.moveTo(undefined);\n    this.#detach();\n    this.#around",
    "    this.moveTo(undefined);\n    this.#around",
  ),
  peer("what waits is lost at the end", "this.#link?.pump(true);", ""),
  peer(
    "a stranger that has gone is remembered",
    "if (this.#address === undefined) this.#host.forget(this);",
    "",
  ),
  handshake("members of another group are let in", "theirs.group !== settings.group", "false"),
  handshake("it does not matter who was meant", "theirs.to !== self.id || ", ""),
  handshake(
    "nobody is asked whether to admit",
    "receiver.admit({ id: theirs.from, diskId: theirs.diskId })",
    "undefined",
  ),
  handshake("another member at the address will do", "theirs.from !== id", "false"),
  handshake(
    "who says nothing may stay",
    "const destroy = (): void => link.destroy();\n  const timer = around.after(around.settings.connectTimeoutMs, destroy);",
    "const destroy = (): void => link.destroy();\n  const timer = around.after(around.settings.connectTimeoutMs, () => {});",
  ),
  network(
    "any number of strangers may stay",
    " || this.#strangers >= this.#around.settings.strangersMax",
    "",
  ),
  network(
    "any number of members is remembered",
    "this.#peers.size >= this.#around.settings.peersMax",
    "false",
  ),
  network(
    "nobody is told of members without an address",
    "this.#around.unreachable(message.to);",
    "",
  ),
  network(
    "members are told in the middle of their own call",
    "peer.push(message);\n        this.#wake(peer);",
    "peer.push(message);\n        peer.flush();",
  ),
  around(
    "a bad turn is told of at once",
    "this.#news ??= this.after(0, () => {",
    "this.#news ??= ((_, fn) => void fn())(0, () => {",
  ),
  around(
    "closing waits for the transport",
    "this.after(this.settings.closeTimeoutMs, () => link.destroy())",
    "this.after(9_000, () => link.destroy())",
  ),
  sender(
    "a snapshot begins anew on each link",
    "if (isFirst) this.#next = have;",
    "if (isFirst) this.#next = 0;",
  ),
  sender(
    "an attempt that brought something counts as well",
    "cargo.reached > before ? 0 : barren + 1",
    "barren + 1",
  ),
  sender("attempts have no end", "barren < snapshotAttemptsMax", "barren >= 0"),
  sender(
    "the newer snapshot is the one given up",
    "if (this.#waiting !== undefined) this.#settle(false);\n    this.#waiting = next;",
    "if (this.#waiting !== undefined) return this.#settle(false);\n    this.#waiting = next;",
  ),
  sender(
    "who receives in silence is waited for",
    "let watch = around.after(silenceMs, destroy);",
    "let watch = around.after(silenceMs, () => {});",
  ),
  sender(
    "a snapshot counts as delivered when all of it is sent",
    'if (frame === undefined) return "broken";',
    'if (frame === undefined) return cargo.reached > 0 ? "delivered" : "broken";',
  ),
  receiver("a chunk is taken as it comes", " || check !== crc", ""),
  receiver("chunks may have any length", "data.length !== expected || ", ""),
  receiver(
    "what has arrived is forgotten with its link",
    "partial.link = undefined;\n    partial.idleSinceMs",
    "partial.link = undefined;\n    this.#remove(partial);\n    partial.idleSinceMs",
  ),
  receiver(
    "what was delivered is delivered again",
    "if (this.#delivered.has(transfer)) {",
    "if (transfer < 0) {",
  ),
  receiver(
    "a part that nobody goes on with is kept",
    "if (untilMs <= nowMs) this.#remove(partial);",
    "if (untilMs <= nowMs) continue;",
  ),
  receiver(
    "any size is accepted",
    "total > settings.snapshotBytesMax || offer.chunkBytes > settings.snapshotBytesMax",
    "total < 0",
  ),
  receiver(
    "any number is received at a time",
    "this.#partials.length >= this.#around.settings.partialSnapshotsMax",
    "false",
  ),
];
