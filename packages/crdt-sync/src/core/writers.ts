// Who has written under a name. The worst that can befall a CRDT is one name for two histories: a
// disk that was copied, a backup that was put back, a name that two people chose. Both then number
// different operations alike, and each replica keeps whichever came first, for ever, unnoticed.
//
// So every life of a replica that writes draws a nonce of 64 bits, and enters it, with the number
// of operations that came before, behind those of earlier lives: 1 to 100 were made in life r0,
// what follows in life r1. The list travels with the operations. Two lists of one name must agree
// as far as both go; and where one goes further, the other may not have operations of the next
// life that it takes for its own. Then at most one of the two is right, and nothing is merged.
//
// Left out: a memory image that is resumed twice draws no nonce. Only digests find that.
import type { CausalContext } from "@compendium/crdt";
import { CrdtSyncError } from "../errors.ts";
import type { Reader, Writer } from "../wire/bytes.ts";
import { countOf, readAgent } from "../wire/version.ts";

/** One life of a replica. */
export interface Life {
  /** How many operations earlier lives had made. */
  readonly from: number;
  /** 16 hexadecimal digits that nobody else has drawn. */
  readonly nonce: string;
}

/** Lives of one replica, the first of which has the number `base`. */
interface Lives {
  readonly base: number;
  readonly lives: readonly Life[];
}

/** How many lives of a replica are remembered: the latest. */
export const LIVES_MAX = 8;

/** For each replica, its lives. */
export class Writers {
  readonly #lives: Map<string, Lives> = new Map();

  /** The lives of a replica that are remembered. */
  of(agent: string): readonly Life[] {
    return this.#lives.get(agent)?.lives ?? [];
  }

  /** How many lives a replica has had. */
  countOf(agent: string): number {
    const known = this.#lives.get(agent);
    return known === undefined ? 0 : known.base + known.lives.length;
  }

  /** The replicas. */
  get agents(): Iterable<string> {
    return this.#lives.keys();
  }

  /** Adds a life to those of a replica. */
  add(agent: string, life: Life): void {
    const { base, lives } = this.#lives.get(agent) ?? { base: 0, lives: [] };
    const drop = lives.length === LIVES_MAX ? 1 : 0;
    this.#lives.set(agent, { base: base + drop, lives: [...lives.slice(drop), life] });
  }

  /**
   * Compares with what another knows, of a version each.
   *
   * @throws CrdtSyncError `SYNC_ID_REUSED`
   */
  check(own: CausalContext, other: Writers, theirs: CausalContext): void {
    for (const agent of other.#lives.keys()) {
      this.#checkOverlap(agent, other);
      this.#checkNext(agent, countOf(own, agent), other);
      other.#checkNext(agent, countOf(theirs, agent), this);
    }
  }

  /** Takes over what another knows and this one does not. */
  join(other: Writers): boolean {
    let grew = false;
    for (const [agent, theirs] of other.#lives) {
      const known = this.#lives.get(agent);
      if (known === undefined || known.base + known.lives.length < theirs.base) {
        this.#lives.set(agent, theirs);
        grew = true;
        continue;
      }
      const news = theirs.lives.slice(Math.max(0, known.base + known.lives.length - theirs.base));
      for (const life of news) this.add(agent, life);
      grew ||= news.length > 0;
    }
    return grew;
  }

  /** What lies behind those numbers of lives. */
  since(told: ReadonlyMap<string, number>): Writers {
    const news = new Writers();
    for (const [agent, { base, lives }] of this.#lives) {
      const from = Math.max(base, told.get(agent) ?? 0);
      if (from < base + lives.length) {
        news.#lives.set(agent, { base: from, lives: lives.slice(from - base) });
      }
    }
    return news;
  }

  /** The number of lives of each replica. */
  counts(): Map<string, number> {
    return new Map([...this.#lives.keys()].map((agent) => [agent, this.countOf(agent)]));
  }

  /** Writes it. */
  write(to: Writer): void {
    to.number(this.#lives.size);
    for (const agent of [...this.#lives.keys()].sort()) {
      const { base, lives } = this.#lives.get(agent) as Lives;
      to.string(agent).number(base).number(lives.length);
      for (const { from, nonce } of lives) {
        to.number(from);
        for (const half of [nonce.slice(0, 8), nonce.slice(8)]) to.word(Number.parseInt(half, 16));
      }
    }
  }

  /** Reads one. */
  static read(from: Reader): Writers {
    const writers = new Writers();
    let last = "";
    for (let left = from.count(13); left > 0; left--) {
      const agent = readAgent(from);
      if (agent <= last) throw from.corrupt("replicas out of order");
      const base = from.number(0, 2 ** 32);
      const lives: Life[] = [];
      for (let more = from.count(9, LIVES_MAX); more > 0; more--) {
        const begin = from.number(lives.length === 0 ? 0 : (lives.at(-1) as Life).from + 1);
        const halves = [from.word(), from.word()].map((it) => it.toString(16).padStart(8, "0"));
        lives.push({ from: begin, nonce: halves.join("") });
      }
      if (lives.length === 0) throw from.corrupt("a replica that never lived");
      writers.#lives.set(agent, { base, lives });
      last = agent;
    }
    return writers;
  }

  #life(agent: string, number: number): Life | undefined {
    const known = this.#lives.get(agent);
    return known?.lives[number - known.base];
  }

  #checkOverlap(agent: string, other: Writers): void {
    const end = Math.min(this.countOf(agent), other.countOf(agent));
    for (let number = end - 1; number >= 0 && end - number <= LIVES_MAX; number--) {
      const [own, its] = [this.#life(agent, number), other.#life(agent, number)];
      if (own === undefined || its === undefined) continue;
      if (own.nonce !== its.nonce || own.from !== its.from) throw reused(agent, number);
    }
  }

  // With `count` operations of a replica, all are from lives that are known here.
  #checkNext(agent: string, count: number, other: Writers): void {
    const number = this.countOf(agent);
    const next = other.#life(agent, number);
    if (number > 0 && next !== undefined && count > next.from) throw reused(agent, number);
  }
}

/** The error that says so. */
export function reused(agent: string, life?: number): CrdtSyncError {
  const where = life === undefined ? "" : `, from its life number ${life} on`;
  return new CrdtSyncError(
    "SYNC_ID_REUSED",
    `${agent} is the name of two histories${where}; give one of its replicas another name`,
  );
}
