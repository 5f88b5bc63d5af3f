// A trap is a sentence about the log and a short program that shows it. The tests run it on the
// package; the mutants must each fall into one.
import type { Subject } from "../story.ts";

export interface Trap {
  readonly name: string;
  readonly run: (subject: Subject) => Promise<void>;
}
