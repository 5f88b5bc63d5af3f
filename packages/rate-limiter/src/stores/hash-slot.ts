// Which of the 16,384 slots of a Redis Cluster a key belongs to (Redis Cluster specification, "Key
// distribution model"): CRC-16/XMODEM of the key or, where it has one, of what stands between its
// first braces. The store builds its own keys, so it knows that text and needs no parser.

const POLYNOMIAL = 0x1021;
const SLOTS = 16_384;

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ POLYNOMIAL : crc << 1;
  return crc;
});

const encoder = new TextEncoder();

/** The slot of a hash tag. From 0 to 16,383. */
export function hashSlot(tag: string): number {
  let crc = 0;
  for (const byte of encoder.encode(tag)) crc = (crc << 8) ^ TABLE[((crc >> 8) ^ byte) & 0xff]!;
  return (crc & 0xffff) % SLOTS;
}
