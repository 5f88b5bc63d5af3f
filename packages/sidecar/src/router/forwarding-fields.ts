// What a gateway adds to a request: whom it came from, and that it came through here (RFC 9110
// §7.6.3). Added after the connection's own fields were removed, so that a client cannot have them
// taken away by naming them in Connection; before the filters, which may go by them.
//
// Where the address of the connection does not count (Envoy's use_remote_address), whoever calls is
// another proxy of the same mesh: what it says of the client stays as it is. Where it does count,
// nobody may speak as one: the x-envoy- fields, by which proxies steer each other, are taken away.
// X-Forwarded-Client-Cert, which says who a client is, is taken away from everybody (Envoy's
// SANITIZE): here a client is who its certificate says.
import { randomUUID } from "node:crypto";
import type { PeerInfo, Protocol, RequestHead } from "../codec/codec.ts";
import type { Fields } from "../codec/fields.ts";
import type { HttpConfig } from "../config/listener-config.ts";
import { plainAddress } from "./client-address.ts";

type Wishes = Pick<
  HttpConfig,
  | "appendsForwardedFor"
  | "generatesRequestId"
  | "keepsRequestId"
  | "trustedHops"
  | "usesRemoteAddress"
  | "via"
>;

/** Adds X-Forwarded-For, X-Forwarded-Proto, X-Request-Id and Via; takes false claims away. */
export function addForwardingFields(head: RequestHead, peer: PeerInfo, wishes: Wishes): void {
  const { appendsForwardedFor, trustedHops, usesRemoteAddress, via } = wishes;
  const { fields } = head;
  removeClaims(fields, usesRemoteAddress);
  if (usesRemoteAddress && appendsForwardedFor) {
    const before = fields.joined("x-forwarded-for");
    const address = plainAddress(peer.remoteAddress);
    fields.set("x-forwarded-for", before === undefined ? address : `${before}, ${address}`);
  }
  // What a trusted proxy has seen is nearer to the client than what this connection is.
  const isTrusted = trustedHops > 0 || !usesRemoteAddress;
  if (!isTrusted || !fields.has("x-forwarded-proto")) {
    fields.set("x-forwarded-proto", peer.tls === undefined ? "http" : "https");
  }
  const keepsRequestId = wishes.keepsRequestId || !usesRemoteAddress;
  if (wishes.generatesRequestId && !(keepsRequestId && fields.has("x-request-id"))) {
    fields.set("x-request-id", randomUUID());
  }
  if (via === "") return;
  fields.append("via", `${versions[head.protocol]} ${via}`);
}

const versions: Readonly<Record<Protocol, string>> = {
  "http/1.0": "1.0",
  "http/1.1": "1.1",
  h2: "2",
};

function removeClaims(fields: Fields, isEdge: boolean): void {
  const { flat } = fields;
  let claims: string[] | undefined;
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    if (!name.startsWith("x-")) continue;
    if (name === "x-forwarded-client-cert" || (isEdge && name.startsWith("x-envoy-"))) {
      claims ??= [];
      claims.push(name);
    }
  }
  if (claims !== undefined) for (const name of new Set(claims)) fields.remove(name);
}
