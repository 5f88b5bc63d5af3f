// Chance from a seed: the same numbers on every machine, so that a seed is a reproduction.

/** Draws whole numbers below a limit (xorshift32). */
export function generator(seed: number): (limit: number) => number {
  // Neighbouring seeds begin far apart; zero would stay zero.
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) || 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}
