// Where documents are kept between two lives of a process. A replica that numbers its operations
// must not forget one that somebody else has seen: it would give the number again, to something
// else. So what is sent was written before (a write-ahead log), and so was what is acknowledged.

/** Places for documents, by name. */
export interface Store {
  /**
   * Opens the journal of a document, and creates it where there is none.
   *
   * @throws CrdtSyncError `SYNC_LOG_CORRUPT`, `SYNC_VERSION`; RuntimeError of the disk
   */
  open(document: string): Promise<Journal>;
}

/** What is kept of one document: records, in order. */
export interface Journal extends AsyncDisposable {
  /** What was found when it was opened. Durable. */
  readonly found: readonly Uint8Array[];
  /** How many bytes it takes. */
  readonly bytes: number;
  /** Adds a record; durable when it settles. One at a time, and none after one that has failed. */
  append(record: Uint8Array): Promise<void>;
  /** Puts one record in the place of all others; durable when it settles, and never neither. */
  replace(record: Uint8Array): Promise<void>;
  /** Closes the files. */
  close(): Promise<void>;
}
