// Planted bugs, one for each way in which a proxy has been talked into forwarding two requests for
// one, or a request that means something else behind it.
import type { Mutant } from "@compendium/house/planted";

const inFile =
  (file: string) =>
  (name: string, search: string, replacement: string): Mutant => {
    return { name, file, search, replacement };
  };

const lines = inFile("codec/rules/field-lines.ts");
const fields = inFile("codec/rules/connection-fields.ts");
const head = inFile("codec/rules/request-head.ts");
const scanner = inFile("codec/rules/request-scanner.ts");
const held = inFile("codec/rules/held-head.ts");

export const mutants: readonly Mutant[] = [
  lines("whitespace before a colon is forgiven", "+):[ \\t]*", "+)[ \\t]*:[ \\t]*"),
  lines("a line may end with LF alone", "(?:\\r\\n|$)/y", "(?:\\r?\\n|$)/y"),
  lines("a value may have control characters", "[\\t\\x20-\\x7e\\x80-\\xff]*[", "[^\\r\\n]*["),
  lines("fields are not counted", "flat.length >= headersMax * 2", "false"),
  lines("underscores pass", 'if (isAlias(name)) return "field-alias";', ""),
  fields("two Hosts are one", 'if (draft.host !== undefined) return "host";', ""),
  fields("the last of two lengths counts", "draft.contentLength !== undefined || ", ""),
  fields("a length is whatever begins with digits", "/^\\d{1,15}$/", "/^\\d{1,15}/"),
  fields("a length is passed on as it came", "String(draft.contentLength)", "flat[i + 1]!"),
  fields(
    "length and coding, and the coding wins",
    'if (draft.contentLength !== undefined) return "length-and-coding";',
    "",
  ),
  fields("any coding with chunked in it is chunked", 'coding !== "chunked"', "false"),
  fields("what Connection names stays", "nominated.length === 0 ? kept", "true ? kept"),
  fields("Connection may name anything", "if (neverNominated.has(option))", "if (false)"),
  fields("Connection is case-sensitive", "{value.toLowerCase()}", "{value}"),
  fields("the fields of h2c pass", '  "http2-settings",\n', ""),
  fields("any trailer is taken", "!ofConnection.has(name) && !neverNominated.has(name)", "true"),
  head("HTTP/1.0 may have a coding", 'if (!is11 && isChunked) return "coding-in-1.0";', ""),
  head("HTTP/1.1 needs no Host", "host === undefined || !isAuthority(host)", "false"),
  head("the target wins against Host", "!isSameAuthority(host, authority)", "false"),
  head("two spaces are one", "+) ([", "+) +(["),
  head("any version of 1 is 1.1", '(minor !== "0" && minor !== "1")', "false"),
  head("methods may be in lower case", "/^[A-Z][A-Z-]*$/", "/^[A-Za-z-]+$/"),
  head("a host may be followed by a comma", "[A-Za-z0-9._~-]+|", "[A-Za-z0-9._~,-]+|"),
  head("backslashes pass", "\\x24-\\x5b\\x5d-\\x7e", "\\x24-\\x7e"),
  head("an upgrade may have a body", "is11 && bodyBytes === 0 && ", "is11 && "),
  scanner("a chunk's end is not looked at", 'if (text !== "\\r\\n") return "chunk";', ""),
  scanner(
    "a chunk line may end with LF",
    'if (!text.endsWith("\\r\\n"))',
    'if (!text.endsWith("\\n"))',
  ),
  scanner(
    "a chunk size is whatever begins with digits",
    "chunkLine.exec(text.slice(0, -2))",
    "/^([0-9A-Fa-f]+)/.exec(text)",
  ),
  scanner("whitespace before an extension", "{1,8})(?:;", "{1,8})[ \\t]*(?:;"),
  scanner("any number of empty lines is forgiven", "this.#mayBeBlank = false;", ""),
  scanner("trailers are not read", 'if (!isTrailerAllowed(flat[i]!)) return "trailer";', ""),
  scanner("a body is a byte longer", "from + this.#left);", "from + this.#left + 1);"),
  held("the end of a head must come in one piece", ".slice(-3);", ".slice(-2);"),
];
