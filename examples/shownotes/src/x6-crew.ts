// X6's writers: one for each region, who does one thing after another, and writes down what was
// answered. Whoever is not answered goes on with the next.
import { type Clock, sleep } from "@compendium/runtime";
import type { EpisodeEdit, EpisodeView } from "./presence-episode.ts";
import type { PresenceState } from "./presence-replica.ts";
import type { X6Edit } from "./x6-plan.ts";

const PATIENCE_MS = 2_000;

/** The regions' services, by the indices of the scenario's regions. */
export interface Regions {
  /** Rejects unless the edit was acknowledged. */
  edit(region: number, episode: string, edit: EpisodeEdit, signal: AbortSignal): Promise<void>;
  read(region: number, episode: string): Promise<EpisodeView>;
  state(region: number): Promise<PresenceState>;
}

/** An edit that was asked for. */
export interface Asked {
  readonly asked: X6Edit;
  readonly isAnswered: boolean;
  /** From when it was due. */
  readonly tookMs: number;
}

/** Has the edits made, each when it is due, in each region's order; resolves after the last. */
export async function writeAll(
  regions: Regions,
  edits: readonly X6Edit[],
  clock: Clock,
  signal: AbortSignal,
): Promise<Asked[]> {
  const fromMs = clock.now();
  const byRegion = Map.groupBy(edits, ({ region }) => region);
  const all = [...byRegion].map(async ([region, own]) => {
    const done: Asked[] = [];
    for (const asked of own) {
      const dueMs = fromMs + asked.dueMs;
      await sleep(Math.max(0, dueMs - clock.now()), { clock, signal });
      const isAnswered = await answered(regions, region, asked, clock, signal);
      done.push({ asked, isAnswered, tookMs: clock.now() - dueMs });
    }
    return done;
  });
  return (await Promise.all(all)).flat();
}

async function answered(
  regions: Regions,
  region: number,
  { episode, edit }: X6Edit,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  const late = new AbortController();
  const timer = clock.setTimer(clock.now() + PATIENCE_MS, () => late.abort(new Error("too late")));
  try {
    await regions.edit(region, episode, edit, AbortSignal.any([signal, late.signal]));
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  } finally {
    timer[Symbol.dispose]();
  }
}
