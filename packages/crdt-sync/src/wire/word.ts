// Four bytes as a number, the lowest first: what checks, markers and versions are written as.

/** The four bytes from there on, as a signed word. */
export function wordAt(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  return low | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
}
