// A range of IP addresses, asked about addresses as they stand in text, without making anything:
// authorization asks for each request.
//
// An IPv4 address has two faces: 10.1.2.3, and ::ffff:10.1.2.3 on a socket that listens for both
// families. It is one address, and is compared as IPv4 whichever face it, or the range, shows (RFC
// 4291 §2.5.5.2); else a rule would hold or not hold by how a socket was opened. Apart from that a
// range of one family contains no address of the other: ::/0 is every IPv6 address, and no IPv4
// one.

const DOT = 0x2e;
const COLON = 0x3a;
const GROUPS = 8;

// What was read last. One for all, because nobody reads two addresses at a time.
const groups = new Uint16Array(GROUPS);

/** An address and how many of its bits count. */
export class IpRange {
  readonly #family: 4 | 6;
  // Of IPv4 the last two, of IPv6 all.
  readonly #prefix: Uint16Array;
  readonly #mask: Uint16Array;

  /**
   * @param prefix an IP address; bits beyond the length are of no account
   * @throws RangeError when it is no address, or has fewer bits than that
   */
  constructor(prefix: string, length: number) {
    const family = readAddress(prefix);
    if (family === 0) throw new RangeError(`prefix must be an IP address, got ${prefix}`);
    // ::ffff:10.0.0.0/104 is 10.0.0.0/8; of fewer than 96 bits it would be half of both families.
    const bits = prefix.includes(":") ? length : length + 96;
    if (!(Number.isInteger(bits) && bits >= (family === 4 ? 96 : 0) && bits <= 128)) {
      throw new RangeError(`length must be one that ${prefix} has bits for, got ${length}`);
    }
    this.#family = family;
    this.#mask = Uint16Array.from({ length: GROUPS }, (_, i) => {
      const left = Math.min(16, Math.max(0, bits - i * 16));
      return (0xffff << (16 - left)) & 0xffff;
    });
    this.#prefix = groups.map((group, i) => group & this.#mask[i]!);
  }

  /** Whether the address is one of them; what is no address is not. O(length), nothing is made. */
  contains(address: string): boolean {
    if (readAddress(address) !== this.#family) return false;
    for (let i = this.#family === 4 ? 6 : 0; i < GROUPS; i++) {
      if ((groups[i]! & this.#mask[i]!) !== this.#prefix[i]!) return false;
    }
    return true;
  }
}

/** Reads an address into `groups`, and says of which family it is; 0: of none. */
function readAddress(text: string): 0 | 4 | 6 {
  if (!text.includes(":")) return readIpv4(text, 0, text.length, 6) ? 4 : 0;
  if (!readIpv6(text)) return 0;
  for (let i = 0; i < 5; i++) if (groups[i] !== 0) return 6;
  return groups[5] === 0xffff ? 4 : 6;
}

// A leading zero is refused: to some it makes the number octal.
function readIpv4(text: string, from: number, to: number, at: number): boolean {
  let value = 0;
  let octet = -1;
  let octets = 0;
  for (let i = from; i <= to; i++) {
    const code = i === to ? DOT : text.charCodeAt(i);
    if (code === DOT) {
      if (octet === -1 || ++octets > 4) return false;
      value = value * 256 + octet;
      octet = -1;
    } else if (code >= 0x30 && code <= 0x39 && octet !== 0) {
      octet = (octet === -1 ? 0 : octet * 10) + code - 0x30;
      if (octet > 255) return false;
    } else return false;
  }
  groups[at] = value >>> 16;
  groups[at + 1] = value & 0xffff;
  return octets === 4;
}

// RFC 4291 §2.2. A zone ("%eth0") says by which link, and belongs to no range.
function readIpv6(text: string): boolean {
  const zone = text.indexOf("%");
  const end = zone === -1 ? text.length : zone;
  let count = 0;
  let gap = -1;
  let i = 0;
  if (text.startsWith("::")) {
    gap = 0;
    i = 2;
  }
  while (i < end) {
    const start = i;
    let value = 0;
    for (; i < end && i < start + 4; i++) {
      const digit = hexDigit(text.charCodeAt(i));
      if (digit === -1) break;
      value = value * 16 + digit;
    }
    if (i < end && text.charCodeAt(i) === DOT) {
      if (count > GROUPS - 2 || !readIpv4(text, start, end, count)) return false;
      count += 2;
      break;
    }
    if (i === start || count === GROUPS) return false;
    groups[count++] = value;
    if (i === end) break;
    if (text.charCodeAt(i) !== COLON || ++i === end) return false;
    if (text.charCodeAt(i) !== COLON) continue;
    if (gap !== -1) return false;
    gap = count;
    i++;
  }
  if (gap === -1) return count === GROUPS;
  if (count === GROUPS) return false;
  const behind = GROUPS - (count - gap);
  groups.copyWithin(behind, gap, count);
  groups.fill(0, gap, behind);
  return true;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
