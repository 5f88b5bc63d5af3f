// Where a node stands among its siblings: a string, and siblings are ordered by their strings. A
// new one is made to fit between two others without touching them (a fractional index; D.
// Greenspan, "Implementing Fractional Indexing", 2020). Two replicas may make the same one for the
// same gap, and then nothing would fit between the two nodes; so each string is followed by the
// name of the move that made it. The digits are UTF-16 units below the surrogates: at either end
// of a list one digit lasts for 27,000 nodes, between two neighbours for 16.
//
// Runs that two replicas insert at one place may interleave. The sequences of this package do
// better; for the order of a handful of siblings their machinery is too much.

/** The lowest digit: what comes between a string and the name of its move. */
const LOW = 1;
/** One above the highest digit. */
const HIGH = 0xd800;
/** How many units a string may have. */
export const POSITION_UNITS_MAX = 4_096;

/** The string with the name of the move that made it: no other move has the same. */
export function fullPosition(position: string, replica: string, counter: number): string {
  // Four digits of 2^14 hold every counter, so that names of equal replicas are equally long.
  let name = "";
  for (let rest = counter, i = 0; i < 4; i++, rest = Math.floor(rest / 16_384)) {
    name = String.fromCharCode(2 + (rest % 16_384)) + name;
  }
  return `${position}${String.fromCharCode(LOW)}${replica}${name}`;
}

/**
 * A string that stands between two full ones whatever name follows it. Undefined is the end of the
 * list.
 *
 * @throws RangeError when it would have to be longer than {@link POSITION_UNITS_MAX}
 */
export function positionBetween(before: string | undefined, after: string | undefined): string {
  let prefix = "";
  let upper = after;
  for (let i = 0; i < POSITION_UNITS_MAX; i++) {
    const low = before !== undefined && i < before.length ? before.charCodeAt(i) : LOW;
    const high = upper !== undefined && i < upper.length ? upper.charCodeAt(i) : HIGH;
    if (high - low > 1) return prefix + String.fromCharCode(between(low, high));
    prefix += String.fromCharCode(low);
    // Already below the upper one: from here on only the lower one counts.
    if (high > low) upper = undefined;
  }
  throw new RangeError(
    `a position may have ${POSITION_UNITS_MAX} units; move the neighbours apart`,
  );
}

// At an open end one step is enough, and lasts longest; in a gap both sides get half of it.
function between(low: number, high: number): number {
  if (low === LOW && high === HIGH) return (LOW + HIGH) >>> 1;
  if (high === HIGH) return low + 1;
  return low === LOW ? high - 1 : (low + high) >>> 1;
}

/** Whether it is a string of digits, and not too long. */
export function isPosition(position: string): boolean {
  if (position.length > POSITION_UNITS_MAX) return false;
  for (let i = 0; i < position.length; i++) {
    const digit = position.charCodeAt(i);
    if (digit < LOW || digit >= HIGH) return false;
  }
  return true;
}
