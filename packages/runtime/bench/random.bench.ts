// An integer below 1000: with a seed, from the platform, and as most programs do it.

import { SeededRandom, systemRandom } from "@compendium/runtime";
import { type Contestant, type Row, row } from "./rounds.ts";

const DRAWS = 500_000;

// Added up and looked at, or the compiler would leave the draws out.
let total = 0;

function contestant(name: string, draw: () => number): Contestant {
  return {
    name,
    run: (times) => {
      for (let i = 0; i < times; i++) total += draw();
      if (total < 0) throw new Error("a draw was negative");
    },
  };
}

/** Both generators beside `Math.random`. */
export function randomRows(): Row[] {
  const seeded = new SeededRandom(1);
  const math = contestant("Math.random", () => Math.floor(Math.random() * 1_000));
  const ours = contestant("SeededRandom", () => seeded.below(1_000));
  const system = contestant("systemRandom", () => systemRandom.below(1_000));
  return [
    row("SeededRandom.below(1000)", ours, [math], DRAWS),
    row("systemRandom.below(1000)", system, [math], DRAWS),
  ];
}
