// A set of moves as bytes: the names of replicas once, sorted; then each move in order, its time
// and counter as differences to the one before.
//
//   tree   replicas | has base | [base context | horizon | moves] | moves
//   move   time, difference | maker | counter | node | parent | position
//   node   0 root, 1 trash, or 2 + place of its maker, and its counter
import { type Reader, Writer } from "../lattice/codec.ts";
import { CausalContext } from "../lattice/context.ts";
import { compareStrings, isReplica, REPLICA_CHARACTERS_MAX } from "../lattice/scalar.ts";
import { compareMoves, type Move, nodeOf, ROOT, TRASH } from "./move.ts";
import { isPosition, POSITION_UNITS_MAX } from "./position.ts";
import type { Base } from "./tree-delta.ts";

/** No honest clock of moves comes near; from here, a tree could still be moved for ever. */
export const TIME_MAX: number = 2 ** 48;

const [ROOT_PLACE, TRASH_PLACE, FIRST_PLACE] = [0, 1, 2] as const;

/** A node's name in its parts. */
export function partsOf(node: string): { readonly replica: string; readonly counter: number } {
  const at = node.indexOf("@");
  return { replica: node.slice(at + 1), counter: Number(node.slice(0, at)) };
}

/** The bytes of moves and their base. */
export function writeTree(moves: readonly Move[], base: Base | undefined): Uint8Array {
  const writer = new Writer();
  const names = replicasIn(moves, base);
  writer.number(names.length);
  for (const name of names) writer.string(name);
  const places = new Map(names.map((name, place) => [name, place]));
  writer.byte(base === undefined ? 0 : 1);
  if (base !== undefined) {
    base.context.write(writer);
    writer.number(base.horizon.time);
    writer.number(places.get(base.horizon.replica)!);
    writer.number(base.horizon.counter);
    writeMoves(base.moves, writer, places);
  }
  writeMoves(moves, writer, places);
  return writer.done();
}

function replicasIn(moves: readonly Move[], base: Base | undefined): string[] {
  const names = new Set<string>();
  const addAll = (list: readonly Move[]): void => {
    for (const { replica, node, parent } of list) {
      names.add(replica);
      names.add(partsOf(node).replica);
      if (parent !== ROOT && parent !== TRASH) names.add(partsOf(parent).replica);
    }
  };
  addAll(moves);
  if (base !== undefined) {
    names.add(base.horizon.replica);
    addAll(base.moves);
  }
  return [...names].sort(compareStrings);
}

function writeMoves(moves: readonly Move[], to: Writer, places: ReadonlyMap<string, number>): void {
  to.number(moves.length);
  const counters = new Map<string, number>();
  let before = 0;
  for (const { time, replica, counter, node, parent, position } of moves) {
    to.number(time - before);
    to.number(places.get(replica)!);
    // Nearly always one more than the maker's move before.
    to.signed(counter - 1 - (counters.get(replica) ?? 0));
    counters.set(replica, counter);
    before = time;
    writeNode(node, to, places);
    writeNode(parent, to, places);
    to.string(position);
  }
}

function writeNode(node: string, to: Writer, places: ReadonlyMap<string, number>): void {
  if (node === ROOT || node === TRASH) return to.number(node === ROOT ? ROOT_PLACE : TRASH_PLACE);
  const { replica, counter } = partsOf(node);
  to.number(FIRST_PLACE + places.get(replica)!);
  to.number(counter);
}

/** Reads what {@link writeTree} wrote. */
export function readTree(from: Reader): { moves: Move[]; base: Base | undefined } {
  const reader = new TreeReader(from);
  const base = from.number(0, 1) === 1 ? reader.base() : undefined;
  const moves = reader.moves();
  for (const { replica, counter } of moves) {
    if (base?.context.has(replica, counter)) throw from.corrupt("a move that is in the base, too");
  }
  const [first] = moves;
  if (base && first && compareHorizon(base, first) >= 0) throw from.corrupt("moves below the base");
  reader.finish();
  return { moves, base };
}

/** Where a move stands to the last that a base stands for: below 0 when it is later. */
export function compareHorizon({ horizon }: Base, move: Move): number {
  return compareMoves({ ...move, ...horizon }, move);
}

class TreeReader {
  readonly #from: Reader;
  readonly #names: string[] = [];
  readonly #used: Set<string> = new Set();

  constructor(from: Reader) {
    this.#from = from;
    for (let left = from.count(2); left > 0; left--) {
      const name = from.string(REPLICA_CHARACTERS_MAX);
      if (!isReplica(name) || name <= (this.#names.at(-1) ?? "")) {
        throw from.corrupt("no name, or out of order");
      }
      this.#names.push(name);
    }
  }

  finish(): void {
    if (this.#used.size !== this.#names.length) throw this.#from.corrupt("a name without use");
    this.#from.finish();
  }

  base(): Base {
    const from = this.#from;
    const context = CausalContext.read(from);
    const time = from.number(1, TIME_MAX);
    const replica = this.#name(from.number());
    const horizon = { time, replica, counter: from.number(1) };
    const moves = this.moves();
    const base = { moves, context, horizon };
    for (const move of moves) {
      if (!context.has(move.replica, move.counter)) throw from.corrupt("a move outside its base");
      if (compareHorizon(base, move) < 0) throw from.corrupt("a move above its horizon");
    }
    if (!context.has(replica, horizon.counter)) throw from.corrupt("a horizon outside its base");
    return base;
  }

  moves(): Move[] {
    const from = this.#from;
    const moves: Move[] = [];
    const counters = new Map<string, number>();
    const dots = new Set<string>();
    let before = 0;
    for (let left = from.count(6); left > 0; left--) {
      const time = before + from.number(0, TIME_MAX - before);
      const replica = this.#name(from.number());
      const counter = from.signed() + 1 + (counters.get(replica) ?? 0);
      if (!(Number.isSafeInteger(counter) && counter >= 1 && time >= 1)) {
        throw from.corrupt("a move without a number");
      }
      counters.set(replica, counter);
      before = time;
      const move = { time, replica, counter, ...this.#rest() };
      const last = moves.at(-1);
      if (last !== undefined && compareMoves(last, move) >= 0) {
        throw from.corrupt("moves out of order");
      }
      const dot = nodeOf(replica, counter);
      if (dots.has(dot)) throw from.corrupt("two moves of one name");
      dots.add(dot);
      moves.push(move);
    }
    return moves;
  }

  #rest(): Pick<Move, "node" | "parent" | "position"> {
    const node = this.#node();
    if (node === ROOT || node === TRASH) throw this.#from.corrupt("the root is moved");
    const parent = this.#node();
    const position = this.#from.string(POSITION_UNITS_MAX * 3);
    if (!isPosition(position)) throw this.#from.corrupt("no position");
    return { node, parent, position };
  }

  #node(): string {
    const place = this.#from.number();
    if (place === ROOT_PLACE) return ROOT;
    if (place === TRASH_PLACE) return TRASH;
    return nodeOf(this.#name(place - FIRST_PLACE), this.#from.number(1));
  }

  #name(place: number): string {
    const name = this.#names[place];
    if (name === undefined) throw this.#from.corrupt("no name has this place");
    this.#used.add(name);
    return name;
  }
}
