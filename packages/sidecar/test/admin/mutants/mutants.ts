// Planted bugs: what an admin interface is known to let through.
import type { Mutant } from "@compendium/house/planted";

const inFile =
  (file: string) =>
  (name: string, search: string, replacement: string): Mutant => {
    return { name, file: `admin/${file}`, search, replacement };
  };

const server = inFile("admin-server.ts");
const endpoint = inFile("endpoint.ts");
const stats = inFile("stats.ts");
const clusters = inFile("clusters.ts");
const dump = inFile("config-dump.ts");
const pages = inFile("pages.ts");
const controls = inFile("controls.ts");

export const mutants: readonly Mutant[] = [
  server("a link stops the proxy", "if (!methods.includes(method)) {", "if (false) {"),
  server("any page may ask", "headers.origin !== undefined", "false"),
  endpoint("an unknown word is passed over", "if (kind === undefined) {", "if (false) {"),
  endpoint("the last of two counts", "if (query.has(name)) throw", "if (false) throw"),
  endpoint("a flag has a value", 'kind === "flag" && value !== ""', "false"),
  stats("a filter is the end of the name", "(?s:.*)`)", "`)"),
  stats("a filter breaks out", "const { source } = new Pattern(filter);", "const source = filter;"),
  stats("what was never used is", "(!isUsedOnly || isUsed(reading))", "true"),
  stats("numbers stand as they come", "(a.envoy < b.envoy ? -1 : 1)", "0"),
  clusters("who is ejected is healthy", "isEjected ? [", "false ? ["),
  clusters(
    "what is under way has succeeded",
    "requests - failures - activeRequests",
    "requests - failures",
  ),
  dump("a secret's name has to be in lower case", "$/i;", "$/;"),
  dump("what is compared is told", 'key === "value" || key === "match"', 'key === "value"'),
  dump("a body is told", "return { bytes: value.length };", "return value.toString();"),
  dump("a name is a prototype", "Object.create(null)", "{}"),
  pages("draining is ready", 'state === "LIVE" ? 200 : 503', "200"),
  controls("every drain is graceful", 'query.has("graceful")', "true"),
  controls("a level is not changed", "subject.logLevel = level;", ""),
];
