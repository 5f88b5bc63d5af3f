// An address as a key. An IPv4 address is one client, or everybody behind one NAT; a customer of an
// IPv6 provider has at least a /64, which is 2^64 addresses to come from, so that a limit for each
// address would be none. IPv6 addresses therefore share a key by their prefix, and an IPv4-mapped
// one (`::ffff:192.0.2.1`, what a dual-stack socket shows) is the IPv4 address it is.
//
// Left out: X-Forwarded-For. Anybody can send it; only you know how many of your proxies add to it.
// Let the framework read it (Express's and Fastify's `trust proxy`), or give a `key` of your own.

/** How addresses become keys. */
export interface AddressKeyOptions {
  /** Leading bits of an IPv6 address that make one key. From 1 to 128; default 64. */
  ipv6PrefixBits?: number;
}

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * An address as a key: IPv4 as it is, IPv6 as its prefix. What is no address stays as it is.
 *
 * @throws RangeError for ipv6PrefixBits out of range
 */
export function addressKey(
  address: string,
  { ipv6PrefixBits = 64 }: AddressKeyOptions = {},
): string {
  checkPrefixBits(ipv6PrefixBits);
  if (!address.includes(":")) return address;
  const [, mapped] = MAPPED.exec(address) ?? [];
  if (mapped !== undefined) return mapped;
  const groups = groupsOf(address);
  if (groups === undefined) return address;
  const kept: string[] = [];
  for (let bits = ipv6PrefixBits, i = 0; bits > 0; bits -= 16, i++) {
    const mask = bits >= 16 ? 0xffff : 0xffff & ~(0xffff >> bits);
    kept.push((groups[i]! & mask).toString(16));
  }
  return `${kept.join(":")}${kept.length < 8 ? "::" : ""}/${ipv6PrefixBits}`;
}

/** Throws a RangeError unless `bits` is a whole number from 1 to 128. */
export function checkPrefixBits(bits: number): void {
  if (Number.isInteger(bits) && bits >= 1 && bits <= 128) return;
  throw new RangeError(`ipv6PrefixBits must be a whole number from 1 to 128, got ${String(bits)}`);
}

const GROUP = /^[\da-f]{1,4}$/i;
const DOTTED = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/;

// The eight groups of an IPv6 address (RFC 4291 §2.2); its zone says nothing to others.
function groupsOf(address: string): number[] | undefined {
  const [text = ""] = address.split("%", 1);
  const halves = withoutDots(text).split("::");
  if (halves.length > 2) return undefined;
  const [head = [], tail] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array<string>(missing).fill("0"), ...(tail ?? [])];
  return groups.every((group) => GROUP.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : undefined;
}

function withoutDots(text: string): string {
  const dotted = DOTTED.exec(text);
  if (dotted === null) return text;
  const [a, b, c, d] = dotted.slice(2).map(Number) as [number, number, number, number];
  return `${dotted[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
