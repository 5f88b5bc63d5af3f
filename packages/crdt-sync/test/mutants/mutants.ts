// Planted bugs, one for each trap that a protocol of this kind is known to fall into. Each is a
// place in a source file and what stands there instead.
import type { Mutant as Planted } from "@compendium/house/planted";

/** What is known to kill it: seeded regions, a crashed writer, or one of the traps. */
export interface Mutant extends Planted {
  readonly by: "regions" | "writer" | "trap";
}

const mutant =
  (by: Mutant["by"]) =>
  (file: string, name: string, search: string, replacement: string): Mutant => {
    return { name, file, search, replacement, by };
  };
const regions = mutant("regions");
const writer = mutant("writer");
const trap = mutant("trap");

export const mutants: readonly Mutant[] = [
  writer(
    "node/link-driver.ts",
    "what is sent does not wait for the disk",
    "await this.#host.durable(next.after);",
    "",
  ),
  writer(
    "store/file-store.ts",
    "a record is not synced",
    "    await this.#file.write(chunks, this.#bytes);\n    await this.#file.sync();",
    "    await this.#file.write(chunks, this.#bytes);",
  ),
  writer(
    "store/file-store.ts",
    "a name is not made durable",
    ".new`, name);\n  await files.syncFolder(folder);",
    ".new`, name);",
  ),
  writer(
    "node/persister.ts",
    "what is written is said to be durable up to what has happened since",
    "    this.#document.durableRevision = revision;",
    "    this.#document.durableRevision = this.#document.revision + revision * 0;",
  ),
  writer(
    "store/file-store.ts",
    "the last record is not written once more after a sync that failed",
    "  if (last < at) await file.write(bytes.subarray(last, at), last);\n",
    "",
  ),
  trap(
    "core/document.ts",
    "the lives that a hello tells of are not noted",
    "if (this.writers.join(other)) this.revision++;",
    "",
  ),
  trap(
    "core/presence.ts",
    "who is called gone does not answer",
    "    this.renew(nowMs);\n  }\n\n  #leave",
    "  }\n\n  #leave",
  ),
  writer(
    "node/persister.ts",
    "earlier lives are not written down",
    "    this.#document.writers.since(lives).write(writer);",
    "    new Writers().write(writer);",
  ),
  regions(
    "core/channel.ts",
    "an acknowledgement says nothing about what is there",
    "      this.#peerHalf.join(version);\n",
    "",
  ),
  trap(
    "core/channel.ts",
    "what the peer has opened with is sent all over",
    "    this.#peerKnows = open.version.copy();",
    "",
  ),
  trap(
    "core/channel.ts",
    "each connection sends back what it has heard",
    "    this.#peerKnows.join(update.version);",
    "",
  ),
  trap(
    "core/channel.ts",
    "updates are not bounded",
    "if (this.#sent.length >= this.#limits.unackedMax) return undefined;",
    "",
  ),
  trap(
    "core/writers.ts",
    "nonces are not compared",
    "if (own.nonce !== its.nonce || own.from !== its.from) throw reused(agent, number);",
    "",
  ),
  trap(
    "core/document.ts",
    "a forgotten history is taken for news",
    "if (countOf(theirs, agent) > countOf(own, agent)) throw reused(agent);",
    "",
  ),
  trap(
    "replicas/state.ts",
    "removals are no part of a version",
    "lacking instanceof Delta ? withGone(seen, lacking.context) : seen",
    "lacking instanceof Delta && seen.isEmpty ? withGone(seen, lacking.context) : seen",
  ),
  trap(
    "replicated.ts",
    "documents of all schemas are of one type",
    "schemaDigest(value.schema)",
    "schemaDigest({})",
  ),
  trap(
    "replicas/log.ts",
    "what the peer has is taken for unknown, and sent all over",
    "if (from === 1) vector.set(agent, to - 1);",
    "if (from === 1) vector.set(agent, Math.max(0, to - 1000));",
  ),
  trap(
    "replicas/log.ts",
    "a version names one operation more than there are",
    "if (count > 0) runs.set(agent, [1, count + 1]);",
    "if (count > 0) runs.set(agent, [1, count + 2]);",
  ),
  trap(
    "replicas/log.ts",
    "who lacks what was compacted gets nothing",
    `if (!(error instanceof CrdtError) || error.code !== "CRDT_COMPACTED") throw error;`,
    `if (!(error instanceof CrdtError) || error.code !== "CRDT_FULL") throw error;`,
  ),
  trap(
    "replicas/log.ts",
    "what is known here is compacted, and not what is stable",
    "this.#value.compact?.(vectorOf(stable))",
    "this.#value.compact?.(stable.isEmpty ? this.#value.version : vectorOf(stable))",
  ),
  trap(
    "core/channel.ts",
    "an acknowledgement stands for a state while an edit is held back",
    "const isWhole = this.#peerKnows.covers(this.document.observe());",
    "const isWhole = this.document.observe() !== undefined;",
  ),
  trap(
    "core/channel.ts",
    "what was acknowledged while an edit was held back is not said again",
    "if (this.ackDue === this.#acked && this.#isAckedWhole) return undefined;",
    "if (this.ackDue === this.#acked) return undefined;",
  ),
  trap(
    "core/connection.ts",
    "a document is opened to whoever it is denied to",
    "        this.#hidden.add(name);\n        continue;\n",
    "        this.#hidden.add(name);\n",
  ),
  trap(
    "core/connection.ts",
    "who asks for what he may not have waits for ever",
    "return this.#deny(open.document);",
    "return;",
  ),
  trap(
    "core/pieces.ts",
    "pieces are not checked",
    "    if (this.#check !== check) {",
    "    if (check < 0) {",
  ),
  trap(
    "core/presence.ts",
    "the later message wins, whatever its counter",
    "if (known !== undefined && rankOf(entry) <= rankOf(known)) return;",
    "",
  ),
  trap(
    "core/channel.ts",
    "digests are not compared",
    "document.digest() === digest) return true;",
    "document.digest() !== undefined) return true;",
  ),
];
