// What X6's writers write, drawn from a seed: first what all regions have before they part, then
// what each does by itself. A region deletes only what it knows: shared tags and its own.
import { pick, SeededRandom, shuffle } from "@compendium/runtime";
import type { EpisodeEdit } from "./presence-episode.ts";
import type { X6Scenario } from "./x6-scenario.ts";

// Of the tags that are added while apart, one in so many is one that all have: it is renewed, in
// one region, while another may delete it.
const RENEWED_ONE_IN = 5;
const STARS_BEFORE = 3;

/** An edit, and who makes it when. */
export interface X6Edit {
  /** From the begin of its part of the plan. */
  readonly dueMs: number;
  /** Its index among the scenario's regions. */
  readonly region: number;
  readonly episode: string;
  readonly edit: EpisodeEdit;
}

/** What is written before the regions part, by the first of them; and while they are apart. */
export interface X6Plan {
  readonly before: readonly X6Edit[];
  /** In the order in which they are due. */
  readonly apart: readonly X6Edit[];
}

/**
 * The plan; the same scenario gives the same one. `name` goes into the episodes', so that two runs
 * in the same regions do not meet.
 */
export function planX6(scenario: X6Scenario, name = "x6"): X6Plan {
  const { load } = scenario;
  const episodes = Array.from({ length: load.episodes }, (_, n) => `${name}-${n + 1}`);
  const shared = Array.from({ length: load.sharedTags }, (_, n) => `shared-${n + 1}`);
  const before = episodes.flatMap((episode) => {
    const edits: EpisodeEdit[] = [
      ...shared.map((tag) => ({ do: "tag", tag }) as const),
      ...Array.from({ length: STARS_BEFORE }, () => ({ do: "star" }) as const),
      { do: "write", delete: 0, insert: `notes of episode ${episode}\n` },
    ];
    return edits.map((edit) => ({ dueMs: 0, region: 0, episode, edit }));
  });
  return { before, apart: new Drawing(scenario, episodes, shared).draw() };
}

class Drawing {
  readonly #scenario: X6Scenario;
  readonly #random: SeededRandom;
  readonly #episodes: readonly string[];
  readonly #shared: readonly string[];
  // Of each region and episode, the tags that the region knows.
  readonly #known = new Map<string, Set<string>>();
  #written = 0;

  constructor(scenario: X6Scenario, episodes: readonly string[], shared: readonly string[]) {
    this.#scenario = scenario;
    this.#random = new SeededRandom(scenario.load.seed);
    this.#episodes = episodes;
    this.#shared = shared;
  }

  draw(): X6Edit[] {
    const { regions, load, phasesMs } = this.#scenario;
    const count = Math.round((load.ratePerSecond * phasesMs.apart) / 1_000);
    const slotMs = phasesMs.apart / count;
    const quietFromMs = phasesMs.apart - phasesMs.lastWord;
    const edits: X6Edit[] = [];
    while (edits.length < count) {
      // One slot for each region, in any order.
      for (const region of shuffle(this.#random, [...regions.keys()])) {
        const dueMs = Math.floor((edits.length + this.#random.below(1_000) / 1_000) * slotMs);
        const episode = pick(this.#random, this.#episodes);
        const edit = this.#edit(region, episode, dueMs < quietFromMs);
        edits.push({ dueMs, region, episode, edit });
      }
    }
    const lastWords = this.#episodes.map((episode, n) => {
      const region = this.#random.below(regions.length);
      const dueMs = quietFromMs + Math.floor(phasesMs.lastWord / 2) + n;
      const tag = `${regions[region]}-last`;
      return { dueMs, region, episode, edit: { do: "tag", tag } as const };
    });
    return [...edits.slice(0, count), ...lastWords].sort((a, b) => a.dueMs - b.dueMs);
  }

  #edit(region: number, episode: string, mayTag: boolean): EpisodeEdit {
    const kind = this.#kind();
    const known = this.#knownTo(region, episode);
    switch (kind) {
      case "tag": {
        const isNew = this.#random.below(RENEWED_ONE_IN) > 0;
        const tag = isNew ? this.#name(region) : pick(this.#random, this.#shared);
        if (!mayTag) break;
        known.add(tag);
        return { do: "tag", tag };
      }
      case "untag": {
        if (!mayTag || known.size === 0) break;
        const tag = pick(this.#random, [...known]);
        known.delete(tag);
        return { do: "untag", tag };
      }
      case "unstar":
        return { do: "unstar" };
      case "write": {
        const insert = `${this.#name(region)} was here\n`;
        const edit = { do: "write", delete: 0, insert } as const;
        return this.#random.below(2) === 0 ? edit : { ...edit, at: 0 };
      }
    }
    return { do: "star" };
  }

  #kind(): EpisodeEdit["do"] {
    const shares = Object.entries(this.#scenario.load.shares) as [EpisodeEdit["do"], number][];
    let left = this.#random.below(1_000) / 1_000;
    for (const [kind, share] of shares) {
      left -= share;
      if (left < 0) return kind;
    }
    return "star";
  }

  #name(region: number): string {
    return `${this.#scenario.regions[region]}-${++this.#written}`;
  }

  #knownTo(region: number, episode: string): Set<string> {
    const key = `${region} ${episode}`;
    const known = this.#known.get(key) ?? new Set(this.#shared);
    this.#known.set(key, known);
    return known;
  }
}
