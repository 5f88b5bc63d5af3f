// Planted bugs, one for each trap that filters are known to fall into. Each is a place in a source
// file and what stands there instead; a place that is no longer found fails loudly.
import type { Mutant } from "@compendium/house/planted";

const inFile =
  (file: string) =>
  (name: string, search: string, replacement: string): Mutant => {
    return { name, file: `filters/${file}`, search, replacement };
  };

const rbac = inFile("rbac.ts");
const range = inFile("ip-range.ts");
const limit = inFile("local-rate-limit.ts");
const fraction = inFile("fraction.ts");
const fault = inFile("fault.ts");
const cors = inFile("cors.ts");
const vary = inFile("vary.ts");
const buffer = inFile("buffer.ts");
const accept = inFile("accept-encoding.ts");
const compressor = inFile("compressor.ts");
const gzip = inFile("gzip-stage.ts");
const adaptive = inFile("adaptive-concurrency.ts");
const chain = inFile("filter-chain.ts");

export const mutants: readonly Mutant[] = [
  rbac("a query is part of the path", "end === path.length ? path : path.slice(0, end)", "path"),
  rbac("one of the two is enough", "may(head, info) && isOne", "may(head, info) || isOne"),
  rbac("policies stand in their own order", "(a < b ? -1 : 1)", "0"),
  rbac("TLS is taken for a name", "peerUris.length + peerDnsNames.length > 0", "true"),
  rbac(
    "DNS names are forgotten",
    "for (const dnsName of peerDnsNames)",
    "for (const dnsName of [])",
  ),
  rbac("the server's name is the client's", "of peerDnsNames)", 'of [tls.serverName ?? ""])'),
  rbac(
    "the connection is the client",
    "range.contains(info.remoteAddress)",
    "range.contains(info.peer.remoteAddress)",
  ),
  rbac(
    "the client is the connection",
    "range.contains(info.peer.remoteAddress)",
    "range.contains(info.remoteAddress)",
  ),
  rbac("CONNECT has an empty path", 'if (path === "") return false;', ""),
  rbac("a name with a space splits the log", '.replace(/\\s/g, "_")', ""),
  range("a mapped address is another", "return groups[5] === 0xffff ? 4 : 6;", "return 6;"),
  range("any address is in the widest range", "!== this.#family", "=== 0"),
  range("a leading zero is let by", "code <= 0x39 && octet !== 0", "code <= 0x39"),
  range("a second gap is let by", "if (gap !== -1) return false;", ""),
  range("a gap may stand for nothing", "if (count === GROUPS) return false;\n  const", "const"),
  range("what is behind a gap stays there", "groups.copyWithin(behind, gap, count);", ""),
  limit(
    "a token is looked at and left",
    "if (waitUs === 0) this.#bucket.charge(0, this.#rule, nowUs, 1);",
    "",
  ),
  limit("time stands still", "this.#bucket.settle(0, this.#rule, nowUs);", ""),
  limit("come back a little too early", "Math.ceil(waitUs / 1e6)", "Math.floor(waitUs / 1e6)"),
  limit("a share is filled as fast as the whole", "fillIntervalMs / share", "fillIntervalMs"),
  limit("a share holds what the whole holds", "tokensMax * share", "tokensMax"),
  fraction(
    "one too many of a million",
    "random.below(MILLION) < fraction",
    "random.below(MILLION) <= fraction",
  ),
  fault("an abort comes before its delay", "resume(this.#aborted())", "resume(undefined)"),
  fault(
    "a fault is over when it is sent",
    "request.onEnd(() => {\n      this.numbers.activeFaults--;\n    });",
    "this.numbers.activeFaults--;",
  ),
  fault("a fault is never over", "this.numbers.activeFaults--;", ""),
  fault(
    "one fault too many",
    "this.numbers.activeFaults >= activeMax",
    "this.numbers.activeFaults > activeMax",
  ),
  fault("a delay is not told", 'request.info.flags.add("DI");', ""),
  cors("a cache may keep it for all", 'addVary(fields, "origin");\n    if (origin', "if (origin"),
  cors(
    "a cache may keep what had no origin",
    'request.onResponse(({ fields }) => addVary(fields, "origin"));',
    "",
  ),
  cors(
    "a star is said, not the method",
    'methods === "*" ? wished("request-method") : methods',
    "methods",
  ),
  cors(
    "any OPTIONS is a preflight",
    'method === "OPTIONS" && Boolean',
    'method === "OPTIONS" || Boolean',
  ),
  cors("any origin is answered", "if (isAllowed && isPreflight(head))", "if (isPreflight(head))"),
  cors(
    "upstream's word stands beside ours",
    'fields.set("access-control-allow-origin", origin)',
    'fields.append("access-control-allow-origin", origin)',
  ),
  vary("a part of a name is the name", "varied === name ||", "varied.includes(name) ||"),
  buffer("a tunnel is waited for", "!hasBody || head.upgrade !== undefined", "!hasBody"),
  buffer("the largest is too large", "?? 0) > this.#bytesMax", "?? 0) >= this.#bytesMax"),
  accept("a weight of none is some", "taken > 0 && ", ""),
  accept("a star takes what is refused", "gzip ?? star ?? 0", "(gzip || star) ?? 0"),
  accept("what is liked less is sent", "&& taken >= (identity ?? star ?? 0)", ""),
  compressor(
    "what is coded is coded again",
    '"content-encoding",\n  "content-range"',
    '"content-range"',
  ),
  compressor("the old length is told", 'fields.remove("content-length");', ""),
  compressor("a strong tag names other bytes", "if (etag?.startsWith('\"'))", "if (false)"),
  compressor(
    "a cache may give it to all",
    'if (isFit) addVary(response.fields, "accept-encoding");',
    "",
  ),
  compressor(
    "no-transform is read as a whole",
    '"cache-control");\n  return directives',
    '"cache-control");\n  return directives === "no-transform" && directives',
  ),
  compressor(
    "what is short is compressed",
    "Number(length) < this.#bytesMin",
    "Number(length) < 0",
  ),
  compressor(
    "a type is compared with its parameters",
    'const end = type.indexOf(";");',
    "const end = -1;",
  ),
  gzip("nothing is flushed", "gzip.flush(constants.Z_SYNC_FLUSH);", ""),
  gzip(
    "trailers come at once",
    "this.#trailers = fields;\n    this.#gzip.end();",
    "this.#options.next.sendTrailers(fields);",
  ),
  gzip(
    "a slow client is not waited for",
    "if (part !== undefined && !next.sendData(part, false)) this.#gzip.pause();",
    "if (part !== undefined) next.sendData(part, false);",
  ),
  gzip("the last part but one is lost", "part = this.#last;", "part = undefined;"),
  gzip(
    "the last part is lost before trailers",
    "if (this.#last !== undefined) next.sendData(this.#last, false);",
    "",
  ),
  gzip("whoever gives is not told", "this.#options.onReady();", ""),
  gzip(
    "whoever gives is not stopped",
    "return !this.#isFull;\n  }\n\n  sendTrailers",
    "return true;\n  }\n\n  sendTrailers",
  ),
  gzip("what is aborted goes on", "this.#isOver = true;\n    this.#gzip.destroy();", ""),
  gzip(
    "what has ended is still counted",
    "this.#options.onOver();\n    const { next }",
    "const { next }",
  ),
  adaptive(
    "one too many",
    "this.numbers.inFlight >= this.#limit.limit",
    "this.numbers.inFlight > this.#limit.limit",
  ),
  adaptive("a place is never free", "this.numbers.inFlight--;", ""),
  adaptive("a failure is an answer", "response.status >= 500 || ", ""),
  adaptive("a timeout tells nothing", 'if (flags.has("UT")) return "dropped";', ""),
  adaptive("an answer from here is upstream's", "host === undefined || ", ""),
  adaptive(
    "a tunnel holds a place for ever",
    'if (request.head.upgrade !== undefined || request.head.method === "CONNECT") return undefined;',
    "",
  ),
  chain("a place has a filter for each look", "this.#made.get(config) ??", ""),
  chain("an edit of a route empties every bucket", "takeEqual(left, config) ??", ""),
  chain("two places share what was kept", "left.delete(known);", ""),
  chain(
    "a filter that is off is on",
    "chosen === false ? [] : [filterOf(chosen)]",
    "[filterOf(chosen || config)]",
  ),
  chain(
    "a route's settings are passed over",
    "own.get(config.name) ?? config",
    "own.get(config.name) === false ? false : config",
  ),
];
