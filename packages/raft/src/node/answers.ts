// What a proposer gets, from what became of its entry.
import { NO_BYTES } from "../core/entry.ts";
import { RaftNodeError } from "./errors.ts";
import type { Answer } from "./proposals.ts";
import type { Applied } from "./replicated-state.ts";

type Own = Exclude<Applied, { kind: "nothing" | "bound" }>;

/** The answer to a proposal that has come by. */
export function answerTo(applied: Own, index: number): Answer | RaftNodeError {
  switch (applied.kind) {
    case "result":
      return { index, result: applied.result };
    case "changed":
    case "session-opened":
      return { index, result: NO_BYTES };
    case "session-expired": {
      const text = `session ${applied.session} is not known any more; open a new one`;
      return new RaftNodeError("SESSION_EXPIRED", text, "unknown");
    }
    case "session-sequence":
      // What was acknowledged has happened, or was given up by its client, who alone can know.
      return new RaftNodeError(
        "SESSION_SEQUENCE",
        applied.why,
        applied.mayHaveRun ? "unknown" : "not-executed",
      );
  }
}

/** The answer to a proposal whose place another entry has. */
export function supersededError(type: "normal" | "conf-change", index: number): RaftNodeError {
  if (type === "conf-change") {
    const text = "the leader could not make that change when it came to it; look and try again";
    return new RaftNodeError("CHANGE_REFUSED", text, "not-executed");
  }
  const text = `another leader's entry took its place at ${index}; it is safe to repeat`;
  return new RaftNodeError("SUPERSEDED", text, "not-executed");
}

/** What a member ends with that has applied its own removal. */
export function removedError(id: number): RaftNodeError {
  const text = `removed: member ${id} was removed; join under a new id`;
  return new RaftNodeError("REMOVED", text, "unknown");
}
