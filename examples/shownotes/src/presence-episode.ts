// What a region keeps of one episode: tags, stars, notes, and who has the cursor where. Each is a
// type whose replicas converge whatever order edits arrive in, so that every region edits its own
// copy and asks nobody:
//
//     tags     an add-wins set: a deletion takes away the additions that it has seen, and no other
//     stars    a PN-counter: every star counts, and every star that was taken back
//     notes    a text: lines that two regions write at one place stand one behind the other
//     cursors  anchors in the notes, as the presence of that document: neither merged nor kept
import { AddWinsSet, type HybridLogicalClock, PnCounter, Text } from "@compendium/crdt";
import type { DocumentHandle, SyncNode } from "@compendium/crdt-sync";
import type { Clock } from "@compendium/runtime";
import { type CursorView, RegionCursors, readCursors } from "./presence-cursors.ts";
import { TagColumn } from "./tag-column.ts";

/** How many tags an episode may have. */
export const TAGS_MAX = 1_000;
/** How many units its notes may have. */
export const NOTES_UNITS_MAX = 100_000;

/** An edit of an episode, as it was asked for. */
export type EpisodeEdit =
  | { readonly do: "tag" | "untag"; readonly tag: string }
  | { readonly do: "star" | "unstar" }
  /** `at` counts UTF-16 units; without it, the edit is at the end. */
  | { readonly do: "write"; readonly at?: number; readonly delete: number; readonly insert: string }
  | { readonly do: "point"; readonly person: string; readonly at: number }
  | { readonly do: "leave"; readonly person: string };

/** An episode as it is read. */
export interface EpisodeView {
  id: string;
  tags: string[];
  stars: number;
  notes: string;
  cursors: CursorView[];
  /** The tags as one value that is overwritten, where that is kept for comparison. */
  column?: { tags: string[]; updatedAt: string | null };
}

/** An episode in which nobody has written. */
export function emptyView(id: string): EpisodeView {
  return { id, tags: [], stars: 0, notes: "", cursors: [] };
}

/** What an episode stands on. */
export interface EpisodeParts {
  readonly id: string;
  readonly region: string;
  readonly node: SyncNode;
  readonly clock: Clock;
  readonly cursorMs: number;
  /** With it, tags are kept a second time, as a column. */
  readonly columnClock: HybridLogicalClock | undefined;
}

/** One episode of a region. */
export class Episode {
  readonly id: string;
  readonly cursors: RegionCursors;
  readonly #tags: AddWinsSet<string>;
  readonly #stars: PnCounter;
  readonly #notes: Text;
  readonly #column: TagColumn | undefined;
  readonly #notesHandle: DocumentHandle;
  readonly #handles: readonly DocumentHandle[];

  private constructor(
    { id, region, clock, cursorMs }: EpisodeParts,
    kept: { tags: AddWinsSet<string>; stars: PnCounter; notes: Text; column?: TagColumn },
    handles: readonly [notes: DocumentHandle, ...DocumentHandle[]],
  ) {
    this.id = id;
    this.#tags = kept.tags;
    this.#stars = kept.stars;
    this.#notes = kept.notes;
    this.#column = kept.column;
    this.#handles = handles;
    this.#notesHandle = handles[0];
    const tell = (state: unknown) => this.#notesHandle.setPresence(state);
    this.cursors = new RegionCursors({ region, clock, cursorMs, tell });
  }

  /** Opens what was kept, or begins with nothing. */
  static async open(parts: EpisodeParts): Promise<Episode> {
    const { id, region: replica, node, columnClock: clock } = parts;
    const kept = {
      tags: new AddWinsSet<string>(replica),
      stars: new PnCounter(replica),
      notes: new Text(replica),
      ...(clock && { column: new TagColumn({ replica, clock }) }),
    };
    const handles = await Promise.all([
      node.open(`notes/${id}`, kept.notes),
      node.open(`tags/${id}`, kept.tags),
      node.open(`stars/${id}`, kept.stars),
      ...(kept.column ? [node.open(`column/${id}`, kept.column.register)] : []),
    ]);
    return new Episode(parts, kept, handles);
  }

  /**
   * Makes an edit, at once; false, and nothing is changed, where the episode has no room for it.
   *
   * @throws RangeError for a place in the notes that is not there
   */
  edit(edit: EpisodeEdit): boolean {
    switch (edit.do) {
      case "tag":
        if (this.#tags.size >= TAGS_MAX && !this.#tags.has(edit.tag)) return false;
        this.#tags.add(edit.tag);
        this.#column?.add(edit.tag);
        return true;
      case "untag":
        this.#tags.delete(edit.tag);
        this.#column?.delete(edit.tag);
        return true;
      case "star":
        this.#stars.increment();
        return true;
      case "unstar":
        this.#stars.decrement();
        return true;
      case "write":
        return this.#write(edit);
      case "point":
        return this.cursors.put(edit.person, this.#notes.anchorAt(edit.at));
      case "leave":
        this.cursors.remove(edit.person);
        return true;
    }
  }

  /** Settles when all of it is on disk. */
  async durable(): Promise<void> {
    await Promise.all(this.#handles.map((handle) => handle.durable()));
  }

  /** The episode as it is here, now. */
  view(): EpisodeView {
    const column = this.#column && { tags: this.#column.tags, updatedAt: this.#column.updatedAt };
    return {
      id: this.id,
      tags: this.#tags.toJSON(),
      stars: this.#stars.value,
      notes: this.#notes.toString(),
      cursors: readCursors(this.#notesHandle.presences, this.#notes),
      ...(column && { column }),
    };
  }

  #write({ at, delete: count, insert }: EpisodeEdit & { do: "write" }): boolean {
    const notes = this.#notes;
    const from = at ?? Math.max(0, notes.length - count);
    if (from + count > notes.length) {
      throw new RangeError(`notes of ${notes.length} units have no ${count} at ${from} to replace`);
    }
    if (notes.length - count + insert.length > NOTES_UNITS_MAX) return false;
    this.#notesHandle.change(() => {
      notes.delete(from, count);
      notes.insert(from, insert);
    });
    return true;
  }
}
