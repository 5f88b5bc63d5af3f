// Whole groups under seeded faults, invariants after every step. `npm run simulate` runs more.
import * as raft from "@compendium/raft";
import { describe, expect, test } from "vitest";
import { coreOf } from "../src/core/raw-node.ts";
import { checkSeed } from "./check-seed.ts";

const subject = { ...raft, coreOf };
const SEEDS = 300;
const BATCH = 50;

describe("figure 3: election safety, log matching, leader completeness, state machine safety", () => {
  test.each(Array.from({ length: SEEDS / BATCH }, (_, batch) => batch * BATCH))(
    `${BATCH} groups from seed %i on`,
    (first) => {
      let committed = 0;
      for (let seed = first; seed < first + BATCH; seed++) {
        committed += checkSeed(subject, seed).committedMax;
      }
      // A group that does nothing breaks no invariant either.
      expect(committed).toBeGreaterThan(BATCH * 20);
    },
  );
});
