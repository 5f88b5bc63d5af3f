// What may go wrong between members, each as a small story that ends in an assertion.
import { linkTraps } from "./traps/links.ts";
import { messageTraps } from "./traps/messages.ts";
import { snapshotTraps } from "./traps/snapshots.ts";
import { strangerTraps } from "./traps/strangers.ts";
import type { Subject } from "./world.ts";

/** A story; it throws where the subject falls for it. */
export interface Trap {
  readonly name: string;
  readonly run: (subject: Subject) => Promise<void>;
}

export const traps: readonly Trap[] = [
  ...messageTraps,
  ...linkTraps,
  ...strangerTraps,
  ...snapshotTraps,
];
