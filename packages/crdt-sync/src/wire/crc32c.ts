// CRC-32C, the cyclic redundancy check with Castagnoli's polynomial (RFC 3720, appendix B.4). It
// finds every burst of up to 32 wrong bits. Four bytes a step, by four tables.

const TABLES: Int32Array = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(1_024);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0x82f63b78 : 0);
    tables[byte] = value;
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256] as number;
    tables[at] = (before >>> 8) ^ (tables[before & 255] as number);
  }
  return tables;
}

const remainder = (at: number): number => TABLES[at] as number;

/** The check of some bytes, continued from `seed`: the check of what came before, or 0. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    crc ^= wordAt(bytes, at);
    crc =
      remainder(768 + (crc & 255)) ^
      remainder(512 + ((crc >>> 8) & 255)) ^
      remainder(256 + ((crc >>> 16) & 255)) ^
      remainder(crc >>> 24);
  }
  for (; at < bytes.length; at++) {
    crc = (crc >>> 8) ^ remainder((crc ^ (bytes[at] as number)) & 255);
  }
  return ~crc >>> 0;
}

/** The four bytes from there on, the lowest first, as a signed word. */
export function wordAt(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  return low | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
}
