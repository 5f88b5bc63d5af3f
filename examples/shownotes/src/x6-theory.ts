// What X6 must show if the theory is right, computed from the plan alone.
//
// Which tags ought to be there in the end is a matter of who has seen what. While regions are
// apart, a region's deletion has seen what was there before, and what that region has added, and
// nothing else. So an addition stands unless the same region deletes the tag later, or, if it was
// made before they parted, any region does and none adds the tag anew.
//
// Off. A column holds what its last writer knew: of each episode, one region's view. All that the
// other two have added is lost, and what they have deleted is back. Chance decides only who is
// last; and the plan decides that.
//
// On. An add-wins set holds exactly what ought to be there: nothing is lost, nothing comes back
// (Shapiro et al. 2011, specification 15).
import type { X6Edit, X6Plan } from "./x6-plan.ts";
import type { X6Scenario } from "./x6-scenario.ts";

/** What became of the tags. */
export interface X6Tags {
  /** Tags that somebody has added, that nobody who knew of it has deleted, and that are gone. */
  lostAdds: number;
  /** Tags that somebody has deleted, nobody has added besides, and that are there again. */
  undoneDeletes: number;
  /** Of each episode and region: new tags that it has added while apart, and that are there. */
  kept: { added: number; there: number }[][];
}

/** The tags of each episode, by its name. */
export type TagsOf = ReadonlyMap<string, ReadonlySet<string>>;

/** With a column in which the last writer wins. */
export function predictColumn(plan: X6Plan, scenario: X6Scenario): X6Tags {
  const column = new Map<string, Set<string>>();
  for (const episode of episodesOf(plan)) {
    const writer = tagEdits(plan.apart, episode).at(-1)?.region;
    column.set(
      episode,
      viewOf(plan, episode, (region) => region === writer),
    );
  }
  return tally(plan, column, scenario);
}

/** With a set in which additions win. */
export function predictSet(plan: X6Plan, scenario: X6Scenario): X6Tags {
  const tags = new Map(episodesOf(plan).map((id) => [id, expectedTags(plan, id).there]));
  return tally(plan, tags, scenario);
}

/** What became of the tags of a plan's edits, given those that are there in the end. */
export function tally(plan: X6Plan, tags: TagsOf, { regions }: X6Scenario): X6Tags {
  const total: X6Tags = { lostAdds: 0, undoneDeletes: 0, kept: [] };
  for (const episode of episodesOf(plan)) {
    const { there, gone } = expectedTags(plan, episode);
    const before = viewOf(plan, episode, () => false);
    const found = tags.get(episode) ?? new Set();
    total.lostAdds += there.size - common(there, found);
    total.undoneDeletes += common(gone, found);
    total.kept.push(
      regions.map((_, at) => {
        const words = [...lastWords(plan, episode, (region) => region === at)];
        const isNew = ([tag, did]: [string, string]) => did === "tag" && !before.has(tag);
        const added = new Set(words.filter(isNew).map(([tag]) => tag));
        return { added: added.size, there: common(added, found) };
      }),
    );
  }
  return total;
}

/** How soon regions meet again at the latest: an attempt that fails, a pause, one that succeeds. */
export function meetMsMax({ sync }: X6Scenario): number {
  return sync.connectMs + sync.retryMsMax;
}

function episodesOf({ before, apart }: X6Plan): string[] {
  return [...new Set([...before, ...apart].map(({ episode }) => episode))];
}

// The tags that ought to be there, and those that ought not, though they once were.
function expectedTags(plan: X6Plan, episode: string): { there: Set<string>; gone: Set<string> } {
  const there = viewOf(plan, episode, () => false);
  const gone = new Set<string>();
  const added = new Set<string>();
  const regions = new Set(plan.apart.map(({ region }) => region));
  for (const each of regions) {
    for (const [tag, did] of lastWords(plan, episode, (region) => region === each)) {
      (did === "tag" ? added : gone).add(tag);
    }
  }
  const kept = [...there].filter((tag) => !gone.has(tag));
  return {
    there: new Set([...kept, ...added]),
    gone: new Set([...gone].filter((tag) => !added.has(tag))),
  };
}

function common(some: ReadonlySet<string>, others: ReadonlySet<string>): number {
  return [...some].filter((tag) => others.has(tag)).length;
}

// What somebody sees who has seen what was before, and the edits of some regions.
function viewOf(plan: X6Plan, episode: string, isSeen: (region: number) => boolean): Set<string> {
  const view = new Set<string>();
  const seen = plan.apart.filter(({ region }) => isSeen(region));
  for (const { edit } of [...tagEdits(plan.before, episode), ...tagEdits(seen, episode)]) {
    if (edit.do === "tag") view.add(edit.tag);
    else view.delete(edit.tag);
  }
  return view;
}

// What some regions did to each tag last, while apart.
function lastWords(
  { apart }: X6Plan,
  episode: string,
  isMeant: (region: number) => boolean,
): Map<string, "tag" | "untag"> {
  const meant = tagEdits(apart, episode).filter(({ region }) => isMeant(region));
  return new Map(meant.map(({ edit }) => [edit.tag, edit.do]));
}

function tagEdits(edits: readonly X6Edit[], episode: string) {
  return edits.flatMap(({ region, edit, ...it }) => {
    const isTag = edit.do === "tag" || edit.do === "untag";
    return isTag && it.episode === episode ? [{ region, edit }] : [];
  });
}
