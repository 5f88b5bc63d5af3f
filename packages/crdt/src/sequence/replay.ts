// From the log to the sequence as it is now. Operations that have been added to the graph and to
// the log are turned into splices, by the cheaper of two ways.
//
// An operation at a cut knows all that came before it, so its position is already one in the
// current sequence: it is a splice as it stands. That is all of a history without concurrency, and
// most of any other. Only between cuts the tracker is needed; it begins at the last cut, is led
// silently through what the sequence already has, and told to write down the rest.
//
// The tracker is kept while its window may go on, as it does while two people type at once and none
// of their messages ever catches up: then a further message costs what it brings, not the whole
// window again. It is dropped when as many operations as it holds have passed without it, or when a
// newer cut would make it less than half as long; so keeping it never costs more than a constant
// factor, in time or memory, over starting anew.
import type { CausalGraph } from "../causal/causal-graph.ts";
import { CrdtError } from "../errors.ts";
import { Kind, type OperationLog } from "./operation-log.ts";
import { Splices } from "./tracker/splices.ts";
import { Tracker } from "./tracker/tracker.ts";

const SLACK = 1024;

/** Turns one sequence's operations into splices. */
export class Replay {
  readonly #graph: CausalGraph;
  readonly #log: OperationLog;
  readonly #splices: Splices = new Splices();
  #tracker: Tracker | undefined;

  constructor(graph: CausalGraph, log: OperationLog) {
    this.#graph = graph;
    this.#log = log;
  }

  /** How many operations are in the window of the tracker; 0 without one. */
  get windowLength(): number {
    return this.#tracker === undefined ? 0 : this.#tracker.to - this.#tracker.from;
  }

  /**
   * What the operations from this LV on do to the sequence, which has `length` units before them.
   * The result is good until the next call.
   *
   * @throws CrdtError `CRDT_CORRUPT` for a position that is not there; nothing is kept
   */
  splicesFrom(from: number, length: number): Splices {
    this.#splices.clear();
    const { cuts } = this.#graph;
    try {
      for (let lv = from; lv < this.#graph.length; ) {
        const cut = cuts.atMost(lv);
        if (cut === lv) {
          const end = cuts.endOf(lv);
          this.#takeOver(lv, end, length);
          lv = end;
        } else {
          const end = cuts.atLeast(lv, this.#graph.length);
          const tracker = this.#trackerFrom(cut, lv);
          tracker.walk(lv);
          tracker.settle(length + this.#splices.growth);
          tracker.walk(end, this.#splices);
          lv = end;
        }
      }
    } catch (error) {
      this.#tracker = undefined;
      throw error;
    }
    this.#dropUnused();
    return this.#splices;
  }

  /** Frees the tracker. */
  forget(): void {
    this.#tracker = undefined;
  }

  // Positions that are already those of the current sequence.
  #takeOver(from: number, to: number, length: number): void {
    const [log, splices] = [this.#log, this.#splices];
    for (let run = log.runFrom(from); run < log.runs && log.lv(run) < to; run++) {
      const skipped = Math.max(0, from - log.lv(run));
      const count = Math.min(to, log.lv(run) + log.count(run)) - log.lv(run) - skipped;
      const position = log.positionWithin(run, skipped);
      const kind = log.kind(run);
      const first = kind === Kind.Backspace ? position - count + 1 : position;
      const end = kind === Kind.Insert ? position : first + count;
      if (first < 0 || end > length + splices.growth) {
        const there = length + splices.growth;
        throw new CrdtError("CRDT_CORRUPT", `position ${position} in a sequence of ${there}`);
      }
      if (kind === Kind.Insert) splices.insert(position, count, log.content(run) + skipped);
      else splices.remove(first, count);
    }
  }

  #trackerFrom(cut: number, lv: number): Tracker {
    this.#tracker ??= new Tracker(this.#graph, this.#log);
    const tracker = this.#tracker;
    const isUsable = tracker.from <= cut && cut < tracker.to && tracker.to <= lv;
    if (!isUsable || lv - tracker.from > 2 * (lv - cut) + SLACK) tracker.start(cut);
    return tracker;
  }

  #dropUnused(): void {
    if (this.#tracker === undefined) return;
    const unused = this.#graph.length - this.#tracker.to;
    if (unused > Math.max(this.windowLength, SLACK)) this.#tracker = undefined;
  }
}
