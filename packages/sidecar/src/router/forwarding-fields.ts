// What a gateway adds to a request that it passes on: whom it came from, and that it came through
// here (RFC 9110 §7.6.3). Added after the connection's own fields were removed, so that a client
// cannot have them taken away by naming them in Connection.
import { randomUUID } from "node:crypto";
import type { PeerInfo, RequestHead } from "../codec/codec.ts";
import type { HttpConfig } from "../config/listener-config.ts";

/** Adds X-Forwarded-For, X-Forwarded-Proto, X-Request-Id and Via. */
export function addForwardingFields(
  head: RequestHead,
  peer: PeerInfo,
  config: Pick<HttpConfig, "appendsForwardedFor" | "generatesRequestId" | "keepsRequestId" | "via">,
): void {
  const { appendsForwardedFor, generatesRequestId, keepsRequestId, via } = config;
  const { fields } = head;
  if (appendsForwardedFor) {
    const before = fields.joined("x-forwarded-for");
    const address = peer.remoteAddress.replace(/^::ffff:/, "");
    fields.set("x-forwarded-for", before === undefined ? address : `${before}, ${address}`);
    fields.set("x-forwarded-proto", peer.tls === undefined ? "http" : "https");
  }
  if (generatesRequestId && !(keepsRequestId && fields.has("x-request-id"))) {
    fields.set("x-request-id", randomUUID());
  }
  if (via === "") return;
  const version = { "http/1.0": "1.0", "http/1.1": "1.1", h2: "2" }[head.protocol];
  fields.append("via", `${version} ${via}`);
}
