// What mutants are asked through: the package's own exports, and a clock that is set by hand.
import type { Subject } from "../support/rules.ts";

export type { Subject };

/** A clock to read only; `us` is where it stands, and it may go back. */
export function makeClock(): { us: number; now(): number; wallMs(): number; setTimer(): never } {
  return {
    us: 0,
    now() {
      return this.us / 1000;
    },
    wallMs: () => 0,
    setTimer() {
      throw new Error("a decision sets no timer");
    },
  };
}
