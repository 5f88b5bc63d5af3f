// The flag in which disabling wins: both updates make a dot, with a yes or a no, in place of those
// seen; it is enabled if there is a yes and no no. (Almeida et al. 2018, §7.4.1, store the no
// alone, so that their flag begins enabled; this one begins disabled, like its sibling.)
import type { Delta } from "./delta.ts";
import type { Dots } from "./dot.ts";
import { isUndisputed } from "./kinds/elements.ts";
import { disableWinsFlag } from "./kinds.ts";
import { Replicated } from "./replicated.ts";
import type { ReplicaOptions, Site } from "./site.ts";

/** A flag; of concurrent updates, disabling wins. It begins disabled. */
export class DisableWinsFlag extends Replicated<Dots> {
  constructor(at: string | ReplicaOptions | Site<Dots>) {
    super(disableWinsFlag, at);
  }

  /** Whether it is enabled. */
  get enabled(): boolean {
    return isUndisputed(this.store);
  }

  /** Enables it, unless somebody disables it at the same time. */
  enable(): Delta {
    return this.#say(true);
  }

  /** Disables it. */
  disable(): Delta {
    return this.#say(false);
  }

  /** What is read, as JSON. */
  toJSON(): boolean {
    return this.enabled;
  }

  #say(value: boolean): Delta {
    return this.mutate((mutation) => {
      mutation.replace(this.store);
      return mutation.dot(value);
    });
  }
}
