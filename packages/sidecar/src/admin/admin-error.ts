// What is wrong with a request to the admin interface, and how it is told: a status, a code that
// stays the same, and a sentence.

/** Codes of {@link AdminError}, each with its status. */
export const adminErrors = {
  UNKNOWN_ENDPOINT: 404,
  WRONG_METHOD: 405,
  FOREIGN_ORIGIN: 403,
  UNKNOWN_PARAMETER: 400,
  REPEATED_PARAMETER: 400,
  BAD_VALUE: 400,
} as const;

/** A request that was refused; nothing has changed. */
export class AdminError extends Error {
  override readonly name = "AdminError";
  readonly code: keyof typeof adminErrors;
  /** The methods that would do, where another was used. */
  readonly allow: readonly string[];

  constructor(code: keyof typeof adminErrors, message: string, allow: readonly string[] = []) {
    super(message);
    this.code = code;
    this.allow = allow;
  }

  /** The status of the answer. */
  get status(): number {
    return adminErrors[this.code];
  }
}
