// XXH64 (Y. Collet, "xxHash fast digest algorithm", 2016, doc/xxhash_spec.md), the hash of Envoy's
// consistent hashing: a ring or a Maglev table built here sends a key where Envoy's would.
//
// Four lanes of 64 bits each swallow eight bytes of every 32, so that a processor can work on the
// four at once; what is left over is mixed in eight, four and one bytes at a time, and a last
// avalanche spreads every bit of the state over the whole result.
//
// A number of JavaScript holds 53 bits, and a bigint is an allocation for every step. So a word of
// 64 bits is a pair of 32-bit integers here, and a product is put together from halves of 16 bits.
// Left out: hashing a stream. Keys are addresses and header values, and stand in memory whole.

/** The hash of a text (as UTF-8) or of bytes, as the reference implementation prints it. */
export function xxh64(input: string | Uint8Array, seed = 0n): bigint {
  digest(input, Number((seed >> 32n) & 0xffff_ffffn) | 0, Number(seed & 0xffff_ffffn) | 0);
  return (BigInt(state.high >>> 0) << 32n) | BigInt(state.low >>> 0);
}

/** The upper 53 bits of {@link xxh64}: its order, in a number that costs no allocation. */
export function hash53(input: string | Uint8Array, seed = 0): number {
  digest(input, 0, seed | 0);
  return (state.high >>> 0) * 2 ** 21 + (state.low >>> 11);
}

/** {@link xxh64} modulo `n`, an integer in `[1, 2^26]`. */
export function hashModulo(input: string | Uint8Array, n: number, seed = 0): number {
  digest(input, 0, seed | 0);
  // Both factors are below 2^26 and the sum below 2^53, so that nothing is rounded.
  return (((state.high >>> 0) % n) * (2 ** 32 % n) + (state.low >>> 0)) % n;
}

// A word of 64 bits that is changed in place.
class Word {
  high = 0;
  low = 0;

  set(high: number, low: number): void {
    this.high = high | 0;
    this.low = low | 0;
  }

  add(high: number, low: number): void {
    const sum = (this.low >>> 0) + (low >>> 0);
    this.high = (this.high + high + (sum > 0xffff_ffff ? 1 : 0)) | 0;
    this.low = sum | 0;
  }

  xor(high: number, low: number): void {
    this.high ^= high;
    this.low ^= low;
  }

  multiply(high: number, low: number): void {
    const across = Math.imul(this.high, low) + Math.imul(this.low, high);
    this.high = (across + upperProduct(this.low, low)) | 0;
    this.low = Math.imul(this.low, low);
  }

  // 0 < bits < 32.
  rotateLeft(bits: number): void {
    const { high, low } = this;
    this.high = (high << bits) | (low >>> (32 - bits));
    this.low = (low << bits) | (high >>> (32 - bits));
  }
}

// The upper 32 bits of the product of two unsigned 32-bit integers.
function upperProduct(a: number, b: number): number {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const first = Math.imul(aLow, bHigh) >>> 0;
  const second = Math.imul(aHigh, bLow) >>> 0;
  const carry = (Math.imul(aLow, bLow) >>> 16) + (first & 0xffff) + (second & 0xffff);
  return (Math.imul(aHigh, bHigh) + (first >>> 16) + (second >>> 16) + (carry >>> 16)) | 0;
}

const [PRIME1_HIGH, PRIME1_LOW] = [0x9e37_79b1, 0x85eb_ca87];
const [PRIME2_HIGH, PRIME2_LOW] = [0xc2b2_ae3d, 0x27d4_eb4f];
const [PRIME3_HIGH, PRIME3_LOW] = [0x1656_67b1, 0x9e37_79f9];
const [PRIME4_HIGH, PRIME4_LOW] = [0x85eb_ca77, 0xc2b2_ae63];
const [PRIME5_HIGH, PRIME5_LOW] = [0x27d4_eb2f, 0x1656_67c5];

const state = new Word();
const lane = new Word();
const lanes: readonly [Word, Word, Word, Word] = [new Word(), new Word(), new Word(), new Word()];

// Header values are far shorter; a longer text gets bytes of its own.
const SCRATCH_BYTES = 4096;
const scratch = new Uint8Array(SCRATCH_BYTES);
const encoder = new TextEncoder();

// Leaves the hash in `state`.
function digest(input: string | Uint8Array, seedHigh: number, seedLow: number): void {
  if (typeof input !== "string") {
    digestBytes(input, input.length, seedHigh, seedLow);
  } else if (input.length * 3 <= SCRATCH_BYTES) {
    digestBytes(scratch, writeText(input), seedHigh, seedLow);
  } else {
    const bytes = encoder.encode(input);
    digestBytes(bytes, bytes.length, seedHigh, seedLow);
  }
}

function writeText(text: string): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return encoder.encodeInto(text, scratch).written;
    scratch[i] = code;
  }
  return text.length;
}

function digestBytes(bytes: Uint8Array, length: number, seedHigh: number, seedLow: number): void {
  let at = 0;
  if (length >= 32) {
    at = digestStripes(bytes, length, seedHigh, seedLow);
  } else {
    state.set(seedHigh, seedLow);
    state.add(PRIME5_HIGH, PRIME5_LOW);
  }
  state.add(0, length);
  for (; at + 8 <= length; at += 8) {
    lane.set(0, 0);
    swallow(lane, bytes, at);
    state.xor(lane.high, lane.low);
    state.rotateLeft(27);
    state.multiply(PRIME1_HIGH, PRIME1_LOW);
    state.add(PRIME4_HIGH, PRIME4_LOW);
  }
  if (at + 4 <= length) {
    lane.set(0, read32(bytes, at));
    lane.multiply(PRIME1_HIGH, PRIME1_LOW);
    state.xor(lane.high, lane.low);
    state.rotateLeft(23);
    state.multiply(PRIME2_HIGH, PRIME2_LOW);
    state.add(PRIME3_HIGH, PRIME3_LOW);
    at += 4;
  }
  for (; at < length; at++) {
    lane.set(0, bytes[at]!);
    lane.multiply(PRIME5_HIGH, PRIME5_LOW);
    state.xor(lane.high, lane.low);
    state.rotateLeft(11);
    state.multiply(PRIME1_HIGH, PRIME1_LOW);
  }
  avalanche();
}

// All whole stripes of 32 bytes; returns where the rest begins.
function digestStripes(
  bytes: Uint8Array,
  length: number,
  seedHigh: number,
  seedLow: number,
): number {
  for (const each of lanes) each.set(seedHigh, seedLow);
  lanes[0].add(PRIME1_HIGH, PRIME1_LOW);
  lanes[0].add(PRIME2_HIGH, PRIME2_LOW);
  lanes[1].add(PRIME2_HIGH, PRIME2_LOW);
  // The last lane starts from the seed minus the first prime.
  lanes[3].add(~PRIME1_HIGH, ~PRIME1_LOW);
  lanes[3].add(0, 1);
  let at = 0;
  for (; at + 32 <= length; at += 32) {
    swallow(lanes[0], bytes, at);
    swallow(lanes[1], bytes, at + 8);
    swallow(lanes[2], bytes, at + 16);
    swallow(lanes[3], bytes, at + 24);
  }
  state.set(0, 0);
  for (const [i, bits] of [1, 7, 12, 18].entries()) {
    const each = lanes[i]!;
    lane.set(each.high, each.low);
    lane.rotateLeft(bits);
    state.add(lane.high, lane.low);
  }
  for (const each of lanes) merge(each);
  return at;
}

// One round: the lane takes in eight bytes.
function swallow(into: Word, bytes: Uint8Array, at: number): void {
  taken.set(read32(bytes, at + 4), read32(bytes, at));
  taken.multiply(PRIME2_HIGH, PRIME2_LOW);
  into.add(taken.high, taken.low);
  into.rotateLeft(31);
  into.multiply(PRIME1_HIGH, PRIME1_LOW);
}

const taken = new Word();

function merge(from: Word): void {
  lane.set(from.high, from.low);
  lane.multiply(PRIME2_HIGH, PRIME2_LOW);
  lane.rotateLeft(31);
  lane.multiply(PRIME1_HIGH, PRIME1_LOW);
  state.xor(lane.high, lane.low);
  state.multiply(PRIME1_HIGH, PRIME1_LOW);
  state.add(PRIME4_HIGH, PRIME4_LOW);
}

// x ^= x >>> 33; x *= prime 2; x ^= x >>> 29; x *= prime 3; x ^= x >>> 32.
function avalanche(): void {
  state.xor(0, state.high >>> 1);
  state.multiply(PRIME2_HIGH, PRIME2_LOW);
  state.xor(state.high >>> 29, (state.low >>> 29) | (state.high << 3));
  state.multiply(PRIME3_HIGH, PRIME3_LOW);
  state.xor(0, state.high);
}

function read32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
