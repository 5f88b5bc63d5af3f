// What a replica can say when it does not take what it was given. Whatever the code, the object is
// as it was before the call.

/** What went wrong, as a stable word. */
export type CrdtErrorCode =
  /** The bytes contradict their own check, end too early, or are not in the one valid form. */
  | "CRDT_CORRUPT"
  /** The bytes are of a version that this code does not know. */
  | "CRDT_VERSION"
  /** The bytes, or the delta, are of another type. */
  | "CRDT_KIND"
  /** Reading on would take more memory than the size of the input justifies. */
  | "CRDT_BUDGET"
  /** A timestamp lies further ahead of this clock than is allowed. */
  | "CRDT_DRIFT"
  /** What is needed was compacted away; ask for the whole state instead. */
  | "CRDT_COMPACTED"
  /** A buffer has reached its stated bound. */
  | "CRDT_FULL";

/** A fault of this package, with a stable `code`. */
export class CrdtError extends Error {
  /** What went wrong; the message says where. */
  readonly code: CrdtErrorCode;

  constructor(code: CrdtErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CrdtError";
    this.code = code;
  }
}
