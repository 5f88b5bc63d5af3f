// Tables keep what they know of a key in columns of numbers; this makes a column longer.

/** A copy of `column` with room for `length` numbers, the new ones 0. */
export function grown(column: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const longer = new Float64Array(length);
  longer.set(column);
  return longer;
}
