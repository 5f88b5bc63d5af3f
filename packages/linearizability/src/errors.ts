// The one error class of this package: a history that came from outside and cannot be read. Whoever
// wrote it needs the line, so every error has one.

/** Why a history cannot be read. Stable: programs may switch on it. */
export type HistoryErrorCode =
  /** The line is not of the format. */
  | "HISTORY_SYNTAX"
  /** The line is well formed, but says nothing that the model knows. */
  | "HISTORY_OPERATION"
  /** A completion without a call, or a call while the last one of this process is open. */
  | "HISTORY_ORDER"
  /** There is no operation in it. */
  | "HISTORY_EMPTY"
  /** It is longer than the reader was allowed to take. */
  | "HISTORY_TOO_LONG";

/** A history that cannot be read. */
export class HistoryError extends Error {
  /** What kind of fault this is. */
  readonly code: HistoryErrorCode;
  /** The line at fault, counted from 1; `undefined` where the history as a whole is. */
  readonly line: number | undefined;

  constructor(code: HistoryErrorCode, message: string, line?: number) {
    super(line === undefined ? message : `line ${line}: ${message}`);
    this.name = "HistoryError";
    this.code = code;
    this.line = line;
  }
}
