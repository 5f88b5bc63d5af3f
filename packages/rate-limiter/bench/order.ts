import { SeededRandom } from "@compendium/runtime";

/** `length` numbers below `bound`, drawn from one seed: the same in every process. */
export function seededOrder(length: number, bound: number): Uint32Array {
  const random = new SeededRandom(1);
  return Uint32Array.from({ length }, () => random.below(bound));
}
