// A lock, held by one owner or by none; each name is an object of its own. It is not reentrant:
// whoever holds it and asks again is refused, or waits.
import { type Model, UNKNOWN } from "../model.ts";

/** What a lock is asked, and by whom. */
export interface LockInput {
  /** To hold it, or to hold it no longer. */
  readonly f: "acquire" | "release";
  /** Who asks. */
  readonly owner: string | number;
  /** Which lock, where there are several. */
  readonly key?: string | undefined;
}

/** `false` where it was refused: `acquire` of a held lock, `release` by another than its owner. */
export type LockOutput = boolean | undefined;

/** The owner, or `null` while it is free. */
export type LockState = string | number | null;

/** A lock, or one for each key, free at first. */
export function lockModel(): Model<LockState, LockInput, LockOutput> {
  return {
    name: "lock",
    init: () => null,
    partition: ({ key }) => key ?? "",
    isRead: (_, output) => output === false,
    step(holder, { f, owner }, output) {
      const granted = f === "acquire" ? holder === null : holder === owner;
      if (output === UNKNOWN && !granted) return holder;
      if (output !== UNKNOWN && (output ?? true) !== granted) return undefined;
      if (!granted) return holder;
      return f === "acquire" ? owner : null;
    },
    describe({ f, owner }, output) {
      return `${f} by ${owner}${output === false ? ": refused" : ""}`;
    },
    describeState: (holder) => (holder === null ? "free" : `held by ${holder}`),
  };
}
