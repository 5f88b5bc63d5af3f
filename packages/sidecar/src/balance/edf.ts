// Earliest deadline first as a weighted round robin (Envoy's edf_scheduler.h; the queue discipline
// is Parekh and Gallager's generalised processor sharing of 1993). Each item has a deadline at
// which it is next due; the earliest is picked, and is due again 1/weight later. An item of weight
// 3 then comes up three times as often as one of weight 1, and evenly spread: never three times in
// a row.
//
// nginx's smooth weighted round robin gives the same sequence by adding each weight to a counter of
// its own at every pick, which is O(n); a heap makes it O(log n), and a weight is asked for only
// when its item has been picked, so that weights may move (slow start, least request).
//
// The first deadlines are drawn at random in (0, 1/weight], which is a schedule that has been
// running for ever. Were all to begin at 1/weight, each proxy that got the same hosts in the same
// moment would begin with the same host, and a schedule that is rebuilt often would favour the
// heavy.
import type { Random } from "@compendium/runtime";

const TWO_32 = 2 ** 32;

/** Picks items by their weights. Building is O(n), a pick is O(log n). */
export class EdfSchedule {
  readonly #weightOf: (item: number) => number;
  // A binary heap: no deadline is later than the two at 2i + 1 and 2i + 2. Items stand beside.
  readonly #deadlines: Float64Array;
  readonly #items: Uint32Array;

  /**
   * @param size how many items, at least 1: they are 0, 1, …
   * @param weightOf above 0; asked at the beginning, and whenever the item has been picked
   */
  constructor(size: number, weightOf: (item: number) => number, random: Pick<Random, "below">) {
    this.#weightOf = weightOf;
    this.#deadlines = new Float64Array(size);
    this.#items = new Uint32Array(size);
    for (let item = 0; item < size; item++) {
      this.#items[item] = item;
      this.#deadlines[item] = (random.below(TWO_32) + 1) / TWO_32 / weightOf(item);
    }
    for (let at = (size >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  /** The item that is due, which is put back by its weight of now. */
  pick(): number {
    const item = this.#items[0]!;
    this.#deadlines[0]! += 1 / this.#weightOf(item);
    this.#sink(0);
    return item;
  }

  #sink(from: number): void {
    const deadlines = this.#deadlines;
    const items = this.#items;
    const deadline = deadlines[from]!;
    const item = items[from]!;
    let at = from;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= deadlines.length) break;
      if (below + 1 < deadlines.length && deadlines[below + 1]! < deadlines[below]!) below++;
      if (deadlines[below]! >= deadline) break;
      deadlines[at] = deadlines[below]!;
      items[at] = items[below]!;
      at = below;
    }
    deadlines[at] = deadline;
    items[at] = item;
  }
}
