// Planted bugs of the node: of what it does around the core, in the order on which safety rests.
// Those of the core that a whole group finds as well are named in `mutants.test.ts`.
import type { Mutant } from "@compendium/house/planted";

const planted = (file: string, name: string, search: string, replacement: string): Mutant => {
  return { name, file, search, replacement };
};

export const nodeMutants: readonly Mutant[] = [
  planted(
    "node/log-writer.ts",
    "what is promised is not on the disk yet",
    "await wal.append(entries, snapshot === undefined ? hardState : undefined);",
    "void wal.append(entries, snapshot === undefined ? hardState : undefined).catch(() => {});",
  ),
  planted(
    "node/log-writer.ts",
    "term and vote are not stored",
    "const hardState = term > 0 ? { term, vote, commit } : undefined;",
    "const hardState = undefined as { term: number; vote: number; commit: number } | undefined;",
  ),
  planted(
    "node/log-writer.ts",
    "a write that was refused is forgotten",
    "this.#waiting.unshift(...batch.slice(refused));",
    'for (const write of batch.slice(refused)) if ("append" in write) onWritten(write.append);',
  ),
  planted(
    "node/engine.ts",
    "a read is answered before its index is applied",
    "this.reads.applied(this.state.index);",
    "this.reads.applied(Number.POSITIVE_INFINITY);",
  ),
  planted(
    "node/sessions.ts",
    "a repeated command is carried out again",
    "if (known !== undefined) return",
    "if (known !== undefined && sequence < 0) return",
  ),
  planted(
    "node/sessions.ts",
    "a command of a session that is gone is carried out",
    'if (session === undefined) return { kind: "expired" };',
    'if (session === undefined) return { kind: "done", result: run(), repeated: false };',
  ),
  planted(
    "node/replicated-state.ts",
    "a snapshot has no sessions",
    "for (const { id, acknowledged, results } of this.sessions.stored()) {",
    "for (const { id, acknowledged } of this.sessions.stored()) {\n      const results = new Map<number, Uint8Array>();",
  ),
  planted(
    "node/engine.ts",
    "an answer goes to whoever has that number",
    'if (applied.kind === "nothing" || applied.by?.proposer !== this.proposer) return;',
    'if (applied.kind === "nothing" || applied.by === undefined) return;',
  ),
  planted(
    "node/disk.ts",
    "the name of the identity is not synced again",
    "killed between the rename and this.\n  await syncNames(files, folder);",
    "killed between the rename and this.",
  ),
  planted(
    "node/proposals.ts",
    "the entry in a proposal's place answers it",
    "if (pending !== undefined) this.#fail(pending, onSuperseded(pending));",
    "if (pending !== undefined) {\n      void onSuperseded;\n      this.answer(pending.number, { index, result: new Uint8Array(0) });\n    }",
  ),
  planted(
    "node/engine.ts",
    "questions are not asked again",
    "this.reads.giveUp(nowMs - electionTimeoutMs);",
    "",
  ),
  planted(
    "node/engine.ts",
    "a snapshot from the leader is stored and not taken",
    "this.state.restore(snapshot.data, snapshot);",
    "this.state.index = snapshot.index;",
  ),
  planted(
    "node/engine.ts",
    "new members' addresses are not told to the network",
    "    network.setPeers(addresses);\n    this.#admission",
    "    this.#admission",
  ),
];
