// What every guard returns. A guard is a pure function from text to a list of these, so that each
// can be tried on a planted fault as well as on the repository: a guard that was never seen to bite
// guards nothing.

/** One place where the tree departs from DESIGN.md or STYLE.md. */
export interface Violation {
  /** Path from the repository's root, with forward slashes. */
  readonly file: string;
  /** Line in that file, counted from 1. */
  readonly line: number;
  /** The rule's short name, stable enough to search for. */
  readonly rule: string;
  /** What is wrong, and the next step that puts it right. */
  readonly message: string;
}

/** A list that a terminal makes clickable: `file:line  rule  message`, in the order of the tree. */
export function report(violations: readonly Violation[]): string {
  return [...violations]
    .sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line)
    .map(({ file, line, rule, message }) => `${file}:${line}  ${rule}  ${message}`)
    .join("\n");
}
