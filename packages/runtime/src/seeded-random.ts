// xoshiro128** 1.1 (D. Blackman, S. Vigna, "Scrambled Linear Pseudorandom Number Generators", ACM
// TOMS 2021; reference code and vectors at https://prng.di.unimi.it). 128 bits of state, a period
// of 2^128 - 1, and nothing but 32-bit integer operations: every JavaScript engine computes the
// very same sequence, so that a seed printed by a failing run replays it anywhere.
//
// A small seed would leave the state full of zeros, from which the generator recovers slowly. The
// seed is therefore spread by the finaliser of MurmurHash3, stepped as in splitmix32: G. Steele et
// al., "Fast Splittable Pseudorandom Number Generators" (OOPSLA 2014), §3.
//
// Left out: secrecy. A few outputs reveal the state; never draw a token or a key from it.

import { type Random, uniformBelow } from "./random.ts";

/** The state of a {@link SeededRandom}: four unsigned 32-bit words, not all zero. */
export type SeededRandomState = readonly [number, number, number, number];

/** The same seed gives the same sequence, on every engine and for ever. */
export class SeededRandom implements Random {
  // Invariant: not all four are zero, the one state that only leads to itself.
  #s0 = 0;
  #s1 = 0;
  #s2 = 0;
  #s3 = 0;
  readonly #next = (): number => this.word32();

  /**
   * @param seed an integer in `[0, 2^53)`; different seeds give different states
   * @throws RangeError when the seed is not
   */
  constructor(seed: number) {
    if (!(Number.isSafeInteger(seed) && seed >= 0)) {
      throw new RangeError(`seed must be an integer in [0, 2^53), got ${String(seed)}`);
    }
    const s0 = splitmix32(seed % 2 ** 32);
    const s1 = splitmix32(s0 + Math.floor(seed / 2 ** 32));
    const s2 = splitmix32(s1);
    this.#set([s0, s1, s2, splitmix32(s2)]);
  }

  /**
   * Continues where {@link state} was taken.
   *
   * @throws RangeError when it is no state
   */
  static fromState(state: SeededRandomState): SeededRandom {
    const words = state.every((word) => Number.isInteger(word) && word >= 0 && word < 2 ** 32);
    if (!words || state.length !== 4 || state.every((word) => word === 0)) {
      throw new RangeError(`state must be four 32-bit words, not all zero, got [${state}]`);
    }
    const random = new SeededRandom(0);
    random.#set(state);
    return random;
  }

  /** What {@link fromState} needs to continue from here. */
  state(): SeededRandomState {
    return [this.#s0 >>> 0, this.#s1 >>> 0, this.#s2 >>> 0, this.#s3 >>> 0];
  }

  below(n: number): number {
    return uniformBelow(n, this.#next);
  }

  /** The generator's own output: a uniform integer in `[0, 2^32)`. */
  word32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#s1, 5), 7), 9) >>> 0;
    const shifted = this.#s1 << 9;
    this.#s2 ^= this.#s0;
    this.#s3 ^= this.#s1;
    this.#s1 ^= this.#s2;
    this.#s0 ^= this.#s3;
    this.#s2 ^= shifted;
    this.#s3 = rotateLeft(this.#s3, 11);
    return result;
  }

  /**
   * A generator of its own, seeded by four draws from this one. Give every part of a simulation a
   * fork: then one more draw in the disk does not change what the network does.
   */
  fork(): SeededRandom {
    // Scrambled once more, so that the child's state is not literally the parent's output.
    const draw = () => splitmix32(this.word32());
    const [s0, s1, s2, s3] = [draw(), draw(), draw(), draw()];
    // All zero has odds of 2^-128, and would be a generator that only says zero.
    return SeededRandom.fromState([s0, s1, s2, (s0 | s1 | s2 | s3) === 0 ? 1 : s3]);
  }

  #set([s0, s1, s2, s3]: SeededRandomState): void {
    this.#s0 = s0 | 0;
    this.#s1 = s1 | 0;
    this.#s2 = s2 | 0;
    this.#s3 = s3 | 0;
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** One step of splitmix32: adds the golden ratio, then mixes; a bijection of 32-bit words. */
function splitmix32(word: number): number {
  let z = (word + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}
