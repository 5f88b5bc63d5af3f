import { countOperations, crash } from "../crashes.ts";
import type { Trap } from "./trap.ts";

export const crashes: readonly Trap[] = [
  {
    name: "a crash at every operation of the disk loses nothing acknowledged, and no vote",
    async run(subject) {
      const operations = await countOperations(subject);
      for (let at = 1; at <= operations; at++) {
        for (const survival of ["nothing", "everything", 1, 2] as const) {
          // The recovery is cut off at one of its own operations, another one every time.
          await crash(subject, at, survival, (count) => [1 + (at % count)]);
        }
      }
    },
  },
];
