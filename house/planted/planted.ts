// Planted bugs. A suite is worth what it catches, so a package has a list of mutants (a place in a
// source file, and what stands there instead) and its tests must kill every one of them. Here is
// what all of them need: a patched copy of `src/`, to be imported beside the original in the very
// process of the test, which is far quicker than a run of the suite for each.
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";

/** A planted bug. */
export interface Mutant {
  /** What goes wrong. */
  readonly name: string;
  /** The file, below src/. */
  readonly file: string;
  /** What stands there, once. */
  readonly search: string;
  /** What is to stand there instead. */
  readonly replacement: string;
}

/** Patched copies of a package's sources, until it is disposed. */
export class PlantedCopies implements Disposable {
  readonly #source: string;
  readonly #folder: string;
  // Of the source, as they were when the first copy was wished for.
  readonly #folders: readonly string[];
  readonly #files: readonly string[];
  #copies = 0;

  /** @param packageFolder the folder that has `src/` */
  constructor(packageFolder: string) {
    this.#source = path.join(packageFolder, "src");
    // Inside the package, so that its imports resolve; in a folder that git does not look at.
    const coverage = path.join(packageFolder, "coverage");
    mkdirSync(coverage, { recursive: true });
    this.#folder = mkdtempSync(path.join(coverage, "mutants-"));
    const all = readdirSync(this.#source, { recursive: true, withFileTypes: true });
    const below = ({ parentPath, name }: (typeof all)[number]): string =>
      path.relative(this.#source, path.join(parentPath, name));
    this.#folders = all.filter((it) => it.isDirectory()).map(below);
    this.#files = all.filter((it) => it.isFile()).map(below);
  }

  /** Makes a copy as it is, and returns its folder. Its files are the sources: only to be read. */
  copy(): string {
    const copy = path.join(this.#folder, String(this.#copies++));
    mkdirSync(copy);
    // Links, and no new files: a file system takes long to make the thousands that a suite needs.
    for (const folder of this.#folders) mkdirSync(path.join(copy, folder), { recursive: true });
    for (const file of this.#files) linkSync(path.join(this.#source, file), path.join(copy, file));
    return copy;
  }

  /**
   * Makes a copy with the bug in it, and returns its folder.
   *
   * @throws Error when the place is not there exactly once: the code has moved on
   */
  plant({ file, search, replacement }: Mutant): string {
    const copy = this.copy();
    const target = path.join(copy, file);
    const source = readFileSync(target, "utf8");
    const places = source.split(search).length - 1;
    if (places !== 1)
      throw new Error(`${file} must hold this once, not ${places} times: ${search}`);
    // A file of its own: what is written into a link stands in the sources.
    rmSync(target);
    // As a function: "$&" in a replacement means what it says.
    writeFileSync(
      target,
      source.replace(search, () => replacement),
      { flag: "wx" },
    );
    return copy;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
