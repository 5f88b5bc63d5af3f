// Whether a verified certificate belongs to somebody who may be here. A chain of signatures says
// who vouches; this says for whom.
//
// A SPIFFE certificate names one workload (X509-SVID §2: exactly one URI; §4: not an authority's).
// With two, a service that looks at the first and one that looks at the last would meet two
// different callers, so such a certificate is nobody's. A URI with another scheme is an ordinary
// name.
import type { PeerNameMatcher } from "../config/listener-config.ts";
import { matchesString } from "../match/string-matcher.ts";
import type { AltNames } from "./alt-names.ts";

/** Why the owner of a certificate is not let in. */
export type PeerFault = "spiffe-id" | "name";

/** What is wrong with a verified certificate's owner; `undefined`: nothing. */
export function peerFault(
  names: AltNames,
  isAuthority: boolean,
  allowed: readonly PeerNameMatcher[],
): PeerFault | undefined {
  const isSpiffe = names.uris.some((uri) => /^spiffe:/i.test(uri));
  if (isSpiffe && (names.uris.length > 1 || isAuthority || !isSpiffeId(names.uris[0]!))) {
    return "spiffe-id";
  }
  if (allowed.length === 0 || allowed.some((matcher) => matchesAny(matcher, names)))
    return undefined;
  return "name";
}

/** Whether this is a SPIFFE id in its normal form (SPIFFE-ID §2). */
export function isSpiffeId(uri: string): boolean {
  if (uri.length > 2_048) return false;
  const parts = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)*)$/.exec(uri);
  // "." and ".." would be resolved by whoever normalises a path.
  return parts !== null && !/\/\.{1,2}(?:\/|$)/.test(parts[2]!);
}

function matchesAny({ kind, value }: PeerNameMatcher, { uris, dnsNames }: AltNames): boolean {
  if (kind !== "dns" && uris.some((uri) => matchesString(value, uri))) return true;
  if (kind === "uri") return false;
  return dnsNames.some((name) => {
    if (matchesString(value, name)) return true;
    // The certificate of "*.example" is that of "a.example", for whom this one is asked for.
    return kind === "dns" && value.kind === "exact" && coversHost(name, value.value);
  });
}

// RFC 6125 §6.4.3: the wildcard is the whole of the leftmost label, and stands for one label.
function coversHost(pattern: string, host: string): boolean {
  if (!pattern.startsWith("*.") || pattern.indexOf(".", 2) === -1) return false;
  const dot = host.indexOf(".");
  return dot > 0 && host.slice(dot).toLowerCase() === pattern.slice(1).toLowerCase();
}
