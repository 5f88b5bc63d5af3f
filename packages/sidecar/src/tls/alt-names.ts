// The names of a certificate: its subject alternative names (RFC 5280 §4.2.1.6), read from the
// certificate's own bytes.
//
// A text that lists them ("URI:spiffe://a, DNS:b") is no source for a decision: a name may contain
// the separator, and then one certificate says two different things to two readers
// (CVE-2021-44532). The same holds for a zero byte, where a reader in C stops. Certificates with
// such names are refused whole: no authority that is worth trusting signs one.
//
// Left out: names of other kinds, which nothing here decides by, and the common name, which has not
// been a host's name since RFC 6125.
import { derTags, readDer, readSequence } from "./der.ts";

/** Who a certificate says that its owner is. */
export interface AltNames {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
}

// More names than these are refused: a certificate is for one workload, or for some hosts.
const ALT_NAMES_MAX = 1_000;

const DNS_NAME = 0x82;
const URI = 0x86;
const EXTENSIONS = 0xa3;
// 2.5.29.17
const SUBJECT_ALT_NAME = [0x55, 0x1d, 0x11];

/** The names of a certificate in DER; `undefined` when they cannot be read in one way only. */
export function readAltNames(certificate: Uint8Array): AltNames | undefined {
  const extension = findExtension(certificate);
  if (extension === undefined) return undefined;
  if (extension === "none") return { uris: [], dnsNames: [] };
  const names = readSequence(extension);
  if (names === undefined || names.length === 0 || names.length > ALT_NAMES_MAX) return undefined;
  const uris: string[] = [];
  const dnsNames: string[] = [];
  for (const { tag, content } of names) {
    const list = tag === URI ? uris : tag === DNS_NAME ? dnsNames : undefined;
    if (list === undefined) continue;
    const text = visibleAscii(content);
    if (text === undefined) return undefined;
    list.push(text);
  }
  return { uris, dnsNames };
}

function findExtension(certificate: Uint8Array): Uint8Array | "none" | undefined {
  const signed = readSequence(certificate)?.[0];
  if (signed?.tag !== derTags.sequence) return undefined;
  const fields = readDer(signed.content);
  if (fields === undefined) return undefined;
  const wrapped = fields.find(({ tag }) => tag === EXTENSIONS);
  if (wrapped === undefined) return "none";
  const extensions = readSequence(wrapped.content);
  if (extensions === undefined) return undefined;
  let found: Uint8Array | "none" = "none";
  for (const { content } of extensions) {
    const parts = readDer(content);
    const [id, second, third] = parts ?? [];
    const value = second?.tag === derTags.boolean ? third : second;
    if (id?.tag !== derTags.object || value?.tag !== derTags.octetString) return undefined;
    if (parts?.at(-1) !== value) return undefined;
    if (!isAltName(id.content)) continue;
    // RFC 5280 §4.2: one of a kind.
    if (found !== "none") return undefined;
    found = value.content;
  }
  return found;
}

function isAltName(id: Uint8Array): boolean {
  return (
    id.length === SUBJECT_ALT_NAME.length && SUBJECT_ALT_NAME.every((byte, i) => id[i] === byte)
  );
}

// IA5String allows more; neither a URI nor a host's name has any of it.
function visibleAscii(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.some((byte) => byte <= 0x20 || byte >= 0x7f)) return undefined;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
