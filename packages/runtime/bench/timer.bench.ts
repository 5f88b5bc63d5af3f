// A timeout that does not strike: set and taken back, while a thousand others wait. This is what a
// deadline costs a call that succeeds.

import { systemClock } from "@compendium/runtime";
import { type Row, row } from "./rounds.ts";

const CALLS = 50_000;
const WAITING = 1_000;
const FAR_MS = 3_600_000;

/** `systemClock.setTimer` beside bare `setTimeout`. */
export function timerRow(): Row {
  const nothing = () => {};
  const waiting = Array.from({ length: WAITING }, (_, i) => setTimeout(nothing, FAR_MS + i));
  try {
    return row(
      "systemClock: set and dispose",
      {
        name: "systemClock",
        run: (times) => {
          for (let i = 0; i < times; i++) {
            systemClock.setTimer(systemClock.now() + 1_000, nothing)[Symbol.dispose]();
          }
        },
      },
      [
        {
          name: "setTimeout",
          run: (times) => {
            for (let i = 0; i < times; i++) clearTimeout(setTimeout(nothing, 1_000));
          },
        },
      ],
      CALLS,
    );
  } finally {
    for (const timeout of waiting) clearTimeout(timeout);
  }
}
