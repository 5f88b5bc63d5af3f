// What can go wrong between a primary process and its workers.

/** Codes of {@link WorkersError}. */
export type WorkersErrorCode =
  /** It has ended, or is ending. */
  | "WORKER_GONE"
  /** It did not answer in time. */
  | "WORKER_SILENT"
  /** It could not do what it was told; the message says why. */
  | "WORKER_REFUSED"
  /** They ended again and again. */
  | "WORKERS_KEEP_ENDING";

/** A worker, or all of them, did not do their work. */
export class WorkersError extends Error {
  override readonly name = "WorkersError";
  readonly code: WorkersErrorCode;

  constructor(code: WorkersErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
