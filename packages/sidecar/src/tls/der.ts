// DER, as far as certificates need it (ITU-T X.690 §8 and §10): tag, length, content. What is not
// the one encoding that DER allows is no element at all, so that nobody can write a value that is
// read here as one thing and by the TLS library as another.

/** One element: its tag and its content, which shares the bytes that it was read from. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** Tags that certificates are read by. */
export const derTags = {
  boolean: 0x01,
  integer: 0x02,
  octetString: 0x04,
  object: 0x06,
  sequence: 0x30,
} as const;

/** The elements that the bytes consist of; `undefined` when they are not DER to the last byte. */
export function readDer(bytes: Uint8Array): DerElement[] | undefined {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at]!;
    // A tag of several bytes stands in no certificate.
    if ((tag & 0x1f) === 0x1f) return undefined;
    const head = readLength(bytes, at + 1);
    if (head === undefined || head.from + head.length > bytes.length) return undefined;
    at = head.from + head.length;
    elements.push({ tag, content: bytes.subarray(head.from, at) });
  }
  return elements;
}

/** The parts of a SEQUENCE that is all of the bytes; `undefined` when that is not what they are. */
export function readSequence(bytes: Uint8Array): DerElement[] | undefined {
  const elements = readDer(bytes);
  if (elements?.length !== 1 || elements[0]!.tag !== derTags.sequence) return undefined;
  return readDer(elements[0]!.content);
}

// Definite, and in as few bytes as can be (X.690 §10.1). Four bytes of length are more than any
// certificate has.
function readLength(bytes: Uint8Array, at: number): { from: number; length: number } | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 0x80) return { from: at + 1, length: first };
  const count = first & 0x7f;
  if (count === 0 || count > 3 || at + count >= bytes.length) return undefined;
  let length = 0;
  for (let i = 1; i <= count; i++) length = length * 256 + bytes[at + i]!;
  const isShortest = length >= 0x80 && length >= 256 ** (count - 1);
  return isShortest ? { from: at + 1 + count, length } : undefined;
}
