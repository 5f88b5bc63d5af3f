// A fingerprint of bytes: MurmurHash3_x86_128 (A. Appleby, public domain), as 32 hexadecimal
// digits. States have one encoding each, so that equal digests mean equal states unless 128 bits
// collide, and unequal ones mean unequal states for certain. It is made to compare replicas that
// trust each other; whoever wants to can construct a collision.

const [C1, C2, C3, C4] = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93];

/** The digest of some bytes. */
export function digestOf(bytes: Uint8Array): string {
  let [a, b, c, d] = [0, 0, 0, 0];
  const end = bytes.length & ~15;
  for (let at = 0; at < end; at += 16) {
    a ^= scramble(word(bytes, at), C1, 15, C2);
    a = (Math.imul((rotate(a, 19) + b) | 0, 5) + 0x561ccd1b) | 0;
    b ^= scramble(word(bytes, at + 4), C2, 16, C3);
    b = (Math.imul((rotate(b, 17) + c) | 0, 5) + 0x0bcaa747) | 0;
    c ^= scramble(word(bytes, at + 8), C3, 17, C4);
    c = (Math.imul((rotate(c, 15) + d) | 0, 5) + 0x96cd1c35) | 0;
    d ^= scramble(word(bytes, at + 12), C4, 18, C1);
    d = (Math.imul((rotate(d, 13) + a) | 0, 5) + 0x32ac3b17) | 0;
  }
  const rest = new Uint8Array(16);
  rest.set(bytes.subarray(end));
  a ^= scramble(word(rest, 0), C1, 15, C2);
  b ^= scramble(word(rest, 4), C2, 16, C3);
  c ^= scramble(word(rest, 8), C3, 17, C4);
  d ^= scramble(word(rest, 12), C4, 18, C1);
  const summed = addAcross([a, b, c, d].map((it) => it ^ bytes.length));
  const final = addAcross(summed.map(finalise));
  return final.map((it) => (it >>> 0).toString(16).padStart(8, "0")).join("");
}

function word(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  return low | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
}

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

function scramble(value: number, before: number, by: number, after: number): number {
  return Math.imul(rotate(Math.imul(value, before), by), after);
}

function addAcross(words: readonly number[]): number[] {
  const sum = words.reduce((total, it) => (total + it) | 0);
  return words.map((it, i) => (i === 0 ? sum : (it + sum) | 0));
}

function finalise(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
