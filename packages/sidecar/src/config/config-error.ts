// The one way in which a configuration is refused: with everything that is wrong with it, each
// fault at its place in the document and with the next step. Who has to correct a file wants the
// whole list, not the first line of it after each attempt.

/** Something in the document that cannot be taken. */
export interface Problem {
  /** Where, as in `static_resources.listeners[0].name`; "" for the document as a whole. */
  readonly path: string;
  /** What is wrong, with the value. */
  readonly message: string;
  /** What to do about it. */
  readonly next: string;
}

/** What is said of a document that is taken nevertheless. */
export interface Note {
  /** Where, as in a {@link Problem}. */
  readonly path: string;
  /** What is said of it. */
  readonly message: string;
}

/** More than this is counted, not listed. */
export const PROBLEMS_MAX = 100;

/** A configuration was refused; the one before it, if any, stays in force. */
export class SidecarConfigError extends Error {
  override readonly name = "SidecarConfigError";
  /** Always this. */
  readonly code = "ERR_SIDECAR_CONFIG";
  /** Message by message, from the outside in; at most 100. */
  readonly problems: readonly Problem[];
  /** How many more there are. */
  readonly unlisted: number;

  constructor(problems: readonly Problem[], unlisted = 0, options?: ErrorOptions) {
    const lines = problems.map(({ path, message, next }) => {
      return `${path === "" ? "" : `${path}: `}${message}; ${next}`;
    });
    if (unlisted > 0) lines.push(`and ${unlisted} more`);
    super(lines.join("\n"), options);
    this.problems = problems;
    this.unlisted = unlisted;
  }
}
