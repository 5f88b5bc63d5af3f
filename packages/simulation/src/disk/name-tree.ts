// Folders and names, as seen and as they would be found after a power cut. A name is data of its
// folder: creating, renaming and removing change the tree that reads see at once, and wait in a
// journal until `syncFolder` of the folder (for a rename, of both) has settled.
//
// A power cut keeps any of the waiting changes, except that a change which builds on another one
// (the same name, the same file, a folder created before) is lost where that one is lost. So a
// rename leaves the old or the new and never neither, a file is never found under a name that it
// had not reached yet, and two unrelated names survive independently of each other.

import { type Random, RuntimeError, type RuntimeErrorCode } from "@compendium/runtime";
import { FileImage } from "./file-image.ts";

/** A folder: its names now, and on the platter. */
export class FolderNode {
  readonly names: Map<string, TreeNode> = new Map();
  readonly durable: Map<string, TreeNode> = new Map();
}

/** What a name leads to. */
export type TreeNode = FolderNode | FileImage;

interface Place {
  readonly folder: FolderNode;
  readonly name: string;
}

// A change of names: `node` is no longer at `from`, and is at `to`.
interface NameChange {
  readonly node: TreeNode;
  readonly from: Place | undefined;
  readonly to: Place | undefined;
  /** Folders whose sync is still to come. */
  readonly unsynced: Set<FolderNode>;
}

/** The names of one disk. */
export class NameTree {
  #root: FolderNode = new FolderNode();
  // In the order in which they were made.
  #journal: NameChange[] = [];

  /** What is at `path`; "" is the root. */
  find(path: string): TreeNode | undefined {
    let node: TreeNode | undefined = this.#root;
    if (path === "") return node;
    for (const name of path.split("/")) {
      if (node instanceof FileImage) throw fault("FILE_KIND", path);
      node = node?.names.get(name);
    }
    return node;
  }

  file(path: string): FileImage {
    const node = this.find(path);
    if (node === undefined) throw fault("FILE_NOT_FOUND", path);
    if (node instanceof FolderNode) throw fault("FILE_KIND", path);
    return node;
  }

  folder(path: string): FolderNode {
    const node = this.find(path);
    if (node === undefined) throw fault("FILE_NOT_FOUND", path);
    if (node instanceof FileImage) throw fault("FILE_KIND", path);
    return node;
  }

  /** Puts a new file or folder at `path`, where nothing is. */
  create(path: string, node: TreeNode): void {
    this.#change({ node, from: undefined, to: this.#place(path) });
  }

  rename(from: string, to: string): void {
    const node = this.file(from);
    const place = this.#place(to);
    const target = place.folder.names.get(place.name);
    if (target instanceof FolderNode) throw fault("FILE_KIND", to);
    // Naming a file as it is named already changes nothing.
    if (target !== node) this.#change({ node, from: this.#place(from), to: place });
  }

  remove(path: string): void {
    const node = this.find(path);
    if (node === undefined) throw fault("FILE_NOT_FOUND", path);
    if (node instanceof FolderNode && node.names.size > 0) throw fault("FILE_KIND", path);
    this.#change({ node, from: this.#place(path), to: undefined });
  }

  /** The changes that a sync of the folder which begins now has to carry over. */
  changesOf(folder: FolderNode): readonly object[] {
    return this.#journal.filter(({ unsynced }) => unsynced.has(folder));
  }

  /** A sync of the folder has succeeded for these changes. */
  persist(folder: FolderNode, changes: readonly object[]): void {
    const covered = new Set(changes);
    for (const change of this.#journal) if (covered.has(change)) change.unsynced.delete(folder);
    const kept = new Set(this.#journal.filter(({ unsynced }) => unsynced.size === 0));
    this.#keep(this.#withDependencies(kept));
  }

  /** The power went: what waits is kept or lost, and what is on the platter is what there is. */
  cutPower(random: Random): void {
    const lost: NameChange[] = [];
    const all = random.below(4);
    const kept = this.#journal.filter((change) => {
      const builds = lost.some((other) => dependsOn(change, other));
      const keeps = !builds && (all === 0 || (all > 1 && random.below(2) === 0));
      if (!keeps) lost.push(change);
      return keeps;
    });
    this.#keep(new Set(kept));
    this.#journal = [];
    revert(this.#root);
  }

  /** Every file that can be reached, with its path, in the order of the names. */
  files(): [path: string, file: FileImage][] {
    const found: [string, FileImage][] = [];
    const visit = (folder: FolderNode, prefix: string): void => {
      for (const name of [...folder.names.keys()].sort()) {
        const node = folder.names.get(name);
        if (node instanceof FolderNode) visit(node, `${prefix}${name}/`);
        else if (node !== undefined) found.push([prefix + name, node]);
      }
    };
    visit(this.#root, "");
    return found;
  }

  #place(path: string): Place {
    const slash = path.lastIndexOf("/");
    return { folder: this.folder(path.slice(0, Math.max(0, slash))), name: path.slice(slash + 1) };
  }

  #change({ node, from, to }: Omit<NameChange, "unsynced">): void {
    const folders = [from, to].flatMap((place) => (place === undefined ? [] : [place.folder]));
    from?.folder.names.delete(from.name);
    to?.folder.names.set(to.name, node);
    this.#journal.push({ node, from, to, unsynced: new Set(folders) });
  }

  // A change that is durable makes durable what it builds on: backwards, so that chains are
  // followed.
  #withDependencies(kept: Set<NameChange>): Set<NameChange> {
    const journal = this.#journal;
    for (let i = journal.length - 1; i >= 0; i--) {
      const change = journal[i] as NameChange;
      const needed = journal.some(
        (later, j) => j > i && kept.has(later) && dependsOn(later, change),
      );
      if (needed) kept.add(change);
    }
    return kept;
  }

  #keep(kept: ReadonlySet<NameChange>): void {
    for (const change of this.#journal) {
      if (!kept.has(change)) continue;
      const { node, from, to } = change;
      if (from?.folder.durable.get(from.name) === node) from.folder.durable.delete(from.name);
      to?.folder.durable.set(to.name, node);
    }
    this.#journal = this.#journal.filter((change) => !kept.has(change));
  }
}

function dependsOn(later: NameChange, earlier: NameChange): boolean {
  if (later.node === earlier.node) return true;
  const places = [later.from, later.to];
  return places.some((place) => {
    if (place === undefined) return false;
    if (place.folder === earlier.node) return true;
    return [earlier.from, earlier.to].some(
      (other) => other?.folder === place.folder && other.name === place.name,
    );
  });
}

function revert(folder: FolderNode): void {
  folder.names.clear();
  for (const [name, node] of folder.durable) {
    folder.names.set(name, node);
    if (node instanceof FolderNode) revert(node);
  }
}

/** What the disk says. */
export function fault(code: RuntimeErrorCode, what: string, cause?: unknown): RuntimeError {
  return new RuntimeError(code, `${what}: ${code}`, cause);
}
