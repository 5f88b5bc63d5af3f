// A scene that a wrong Raft gets wrong. It is named after the rule that it holds the package to,
// and throws where that rule is broken.
import type { Subject } from "../cluster.ts";

export interface Trap {
  /** The rule, with where it stands. */
  readonly name: string;
  run(subject: Subject): void;
}
