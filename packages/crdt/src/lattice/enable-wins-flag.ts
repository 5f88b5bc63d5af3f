// The flag in which enabling wins (Almeida et al. 2018, §7.4.1): enabling makes a dot, disabling
// removes those that it has seen, so that an enabling which it has not seen stands.
import type { Delta } from "./delta.ts";
import type { Dots } from "./dot.ts";
import { enableWinsFlag } from "./kinds.ts";
import { Replicated } from "./replicated.ts";
import type { ReplicaOptions, Site } from "./site.ts";

/** A flag; of concurrent updates, enabling wins. It begins disabled. */
export class EnableWinsFlag extends Replicated<Dots> {
  constructor(at: string | ReplicaOptions | Site<Dots>) {
    super(enableWinsFlag, at);
  }

  /** Whether it is enabled. */
  get enabled(): boolean {
    return this.store !== undefined;
  }

  /** Enables it. */
  enable(): Delta {
    return this.mutate((mutation) => {
      mutation.replace(this.store);
      return mutation.dot();
    });
  }

  /** Disables it, unless somebody enables it at the same time. */
  disable(): Delta {
    return this.mutate((mutation) => enableWinsFlag.clear(this.store, mutation));
  }

  /** What is read, as JSON. */
  toJSON(): boolean {
    return this.enabled;
  }
}
