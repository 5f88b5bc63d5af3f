// The alias method: a draw by weight in O(1) (A. J. Walker 1977; built in O(n) as by M. D. Vose, "A
// Linear Algorithm for Generating Random Numbers with a Given Distribution", 1991).
//
// Cut the weights into n columns of the same height, of which each holds at most two items: who has
// less than a column lets somebody with more fill up the rest. A draw takes one column, each
// equally likely, and then the item below or above the line in it.
import type { Random } from "@compendium/runtime";

// A result below 2^30 is a small integer to V8: it costs no allocation.
const RESOLUTION = 2 ** 30;

/** Draws items by their weights. */
export class AliasTable {
  readonly #random: Pick<Random, "below">;
  // Of 2^30: how much of a column is its own item's. The rest is its alias's.
  readonly #own: Float64Array;
  readonly #aliases: Uint32Array;

  /** @param weights at least one, each above 0 */
  constructor(weights: readonly number[], random: Pick<Random, "below">) {
    this.#random = random;
    const size = weights.length;
    const sum = weights.reduce((all, weight) => all + weight, 0);
    const heights = weights.map((weight) => (weight * size) / sum);
    this.#own = new Float64Array(size).fill(RESOLUTION);
    this.#aliases = Uint32Array.from(heights.keys());
    const low: number[] = [];
    const high: number[] = [];
    for (const [item, height] of heights.entries()) (height < 1 ? low : high).push(item);
    while (low.length > 0 && high.length > 0) {
      const filled = low.pop()!;
      const filler = high.at(-1)!;
      this.#own[filled] = Math.round(heights[filled]! * RESOLUTION);
      this.#aliases[filled] = filler;
      heights[filler]! -= 1 - heights[filled]!;
      if (heights[filler]! < 1) low.push(high.pop()!);
    }
    // What is left in either list is a whole column, up to rounding.
  }

  /** One item, each as likely as its share of the weights, up to 2^-30. */
  draw(): number {
    const column = this.#random.below(this.#own.length);
    return this.#random.below(RESOLUTION) < this.#own[column]! ? column : this.#aliases[column]!;
  }
}
