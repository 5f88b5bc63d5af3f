// What a peer may make us hold.

/** Bounds of a connection; both ends should agree on them. */
export interface Limits {
  /** The largest message taken, in bytes; at least twice `batchBytes`. Default 1 MiB. */
  readonly messageBytesMax: number;
  /** A message is closed when it has so many bytes, and a larger part is cut. Default 64 KiB. */
  readonly batchBytes: number;
  /** The largest part, cut or not: an update, or a document that is new here. Default 64 MiB. */
  readonly partBytesMax: number;
  /** Documents on a link. Default 1,024. */
  readonly documentsMax: number;
  /** Updates of a document that were sent and not acknowledged: then the rest waits. Default 64. */
  readonly unackedMax: number;
  /** Nodes with a presence in a document. Default 1,024. */
  readonly presencesMax: number;
  /** The largest state of one, as JSON, in bytes. Default 1 KiB. */
  readonly presenceBytesMax: number;
}

/** The limits, where nothing else is said. */
export const LIMITS: Limits = {
  messageBytesMax: 2 ** 20,
  batchBytes: 2 ** 16,
  partBytesMax: 2 ** 26,
  documentsMax: 1_024,
  unackedMax: 64,
  presencesMax: 1_024,
  presenceBytesMax: 1_024,
};

/** The bytes of a document's name. */
export const NAME_BYTES_MAX = 100;
/** How many members can be told of. */
export const MEMBERS_MAX = 64;

/** The defaults with some changed, or RangeError. */
export function limitsFrom(some: Partial<Limits>): Limits {
  const limits = { ...LIMITS, ...some };
  for (const [name, value] of Object.entries(limits)) {
    if (Number.isSafeInteger(value) && value >= 1 && value <= 2 ** 30) continue;
    throw new RangeError(`${name} must be an integer in [1, 2^30], got ${value}`);
  }
  if (limits.messageBytesMax < 2 * limits.batchBytes) {
    const { messageBytesMax, batchBytes } = limits;
    throw new RangeError(
      `messageBytesMax must be at least twice batchBytes, got ${messageBytesMax} and ${batchBytes}`,
    );
  }
  return limits;
}

const NAME = /^[!-~]{1,64}$/;

/** Refuses what is no name of a node. */
export function checkName(what: string, name: string): string {
  if (NAME.test(name)) return name;
  throw new RangeError(
    `${what} must have 1 to 64 printable ASCII characters, got ${JSON.stringify(name)}`,
  );
}

/** Refuses what is no name of a document. */
export function checkDocumentName(name: string): string {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes >= 1 && bytes <= NAME_BYTES_MAX && name.isWellFormed()) return name;
  throw new RangeError(
    `a document's name has 1 to ${NAME_BYTES_MAX} bytes, got ${JSON.stringify(name)}`,
  );
}
