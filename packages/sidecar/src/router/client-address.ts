// Who the client is. X-Forwarded-For is a list that everybody can write, and every proxy appends
// the address that it saw: only its right end can be trusted, and only as far as the proxies that
// appended it are known. With n trusted proxies in front of this one, the client is what the first
// of them saw: the n-th entry from the right (Envoy's xff_num_trusted_hops).
//
//     spoofed, real client, proxy 1   ◀── connection of proxy 2
//              └── the 2nd from the right, for two trusted hops
import { isIP } from "node:net";
import type { PeerInfo, RequestHead } from "../codec/codec.ts";
import type { HttpConfig } from "../config/listener-config.ts";

type Trust = Pick<HttpConfig, "trustedHops" | "usesRemoteAddress">;

/** The address without the prefix of an IPv4 address that came over an IPv6 socket. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}

/** The client's address, and its port where the connection is the client's own. */
export function clientOf(
  { fields }: RequestHead,
  peer: PeerInfo,
  { trustedHops, usesRemoteAddress }: Trust,
): { readonly address: string; readonly port: number } {
  const own = { address: plainAddress(peer.remoteAddress), port: peer.remotePort };
  if (usesRemoteAddress && trustedHops === 0) return own;
  const listed = fields.joined("x-forwarded-for")?.split(",") ?? [];
  // Where the connection's own address does not count, it was a proxy's: one entry more.
  const at = listed.length - trustedHops - (usesRemoteAddress ? 0 : 1);
  const address = listed[at]?.trim() ?? "";
  return isIP(address) === 0 ? own : { address: plainAddress(address), port: 0 };
}
