// Planted bugs, one for each trap that readers of hellos and names, and those who choose chains by
// them, are known to fall into.
import type { Mutant } from "@compendium/house/planted";

const inFile =
  (file: string) =>
  (name: string, search: string, replacement: string): Mutant => {
    return { name, file, search, replacement };
  };

const hello = inFile("tls/client-hello.ts");
const names = inFile("tls/alt-names.ts");
const der = inFile("tls/der.ts");
const peer = inFile("tls/peer-names.ts");
const chains = inFile("listener/chain-table.ts");

export const mutants: readonly Mutant[] = [
  hello("an extension may stand twice", " || seen.has(kind)) return", ") return"),
  hello(
    "the first of two names counts",
    "name === undefined || !cursor.isAtEnd",
    "name === undefined",
  ),
  hello(
    "what follows the extensions is passed over",
    " || !cursor.isAtEnd ? undefined",
    " ? undefined",
  ),
  hello("a name is anything", "/^[A-Za-z0-9._:-]{1,255}$/.test(text)", "true"),
  hello("a name keeps its capitals", "text.toLowerCase()", "text"),
  hello("a hello may be of any length", "missing > HELLO_BYTES_MAX) return", "false) return"),
  hello("records may be empty", "length === 0 || length > RECORD", "length > RECORD"),
  names("a zero byte is a letter", "byte <= 0x20 || ", ""),
  names(
    "names stand on when one is unreadable",
    "if (text === undefined) return undefined;",
    "if (text === undefined) continue;",
  ),
  names("a URI is a host's name", "const DNS_NAME = 0x82;", "const DNS_NAME = 0x86;"),
  der("a length may have bytes to spare", "return isShortest ?", "return true ?"),
  peer("one SPIFFE id of two is enough", "names.uris.length > 1 || ", ""),
  peer("an authority is a workload", " || isAuthority", ""),
  peer("a SPIFFE id may climb", "parts !== null && !/", "parts !== null || !/"),
  peer("a URI may pass for a host", 'if (kind === "uri") return false;', ""),
  peer("a host may pass for a URI", 'kind !== "dns" && uris', "uris"),
  peer(
    "a wildcard is many labels",
    'const dot = host.indexOf(".");',
    'const dot = host.lastIndexOf(".", host.length - pattern.length + 1);',
  ),
  chains(
    "the shortest wildcard wins",
    'name.indexOf(".", 1); dot !== -1; dot = name.indexOf(".", dot + 1)',
    'name.lastIndexOf("."); dot > 0; dot = name.lastIndexOf(".", dot - 1)',
  ),
  chains(
    "a step is taken back",
    "if (exact !== undefined) return findByTransport(exact, hello);",
    "const found = exact && findByTransport(exact, hello);\n    if (found !== undefined) return found;",
  ),
  chains(
    "the last protocol decides",
    "for (const protocol of hello?.applicationProtocols ?? [])",
    "for (const protocol of [...(hello?.applicationProtocols ?? [])].reverse())",
  ),
  chains("TLS and its absence are one", 'hello === undefined ? "plain" : "tls"', '"tls"'),
  chains("everybody is waited for", "match.transport !== undefined || wantsHello(match);", "true;"),
];
