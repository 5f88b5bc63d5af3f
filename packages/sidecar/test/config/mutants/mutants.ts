// Planted bugs, one for each trap that configurations, routes and paths are known to have. Each is
// a place in a source file and what stands there instead; a place that is no longer found fails
// loudly.
import type { Mutant } from "@compendium/house/planted";

const mutant = (file: string, name: string, search: string, replacement: string): Mutant => {
  return { name, file, search, replacement };
};

const inMatch = (file: string) => mutant.bind(undefined, `match/${file}`);
const inConfig = (file: string) => mutant.bind(undefined, `config/${file}`);

const paths = inMatch("path-normalizer.ts");
const domains = inMatch("domain-table.ts");
const routes = inMatch("route-table.ts");
const headers = inMatch("header-matcher.ts");
const query = inMatch("query.ts");
const rewrite = inMatch("rewrite.ts");
const edits = inMatch("header-edits.ts");

export const mutants: readonly Mutant[] = [
  paths(
    "dots are looked at before escapes are undone",
    "removeDotSegments(withSlashes(withoutNeedlessEscapes(path)))",
    "withSlashes(withoutNeedlessEscapes(removeDotSegments(path)))",
  ),
  paths(
    "backslashes become slashes after dots were looked at",
    "removeDotSegments(withSlashes(withoutNeedlessEscapes(path)))",
    "withSlashes(removeDotSegments(withoutNeedlessEscapes(path)))",
  ),
  paths(
    "escapes are undone twice",
    "withSlashes(withoutNeedlessEscapes(path))",
    'withSlashes(withoutNeedlessEscapes(path.replaceAll("%25", "%")))',
  ),
  paths("escapes keep their case", ": escaped.toUpperCase()", ": escaped"),
  paths("a last dot segment takes the slash with it", 'if (isLast) kept.push("");', ""),
  paths("the query is normalised, too", 'const query = target.indexOf("?");', "const query = -1;"),
  paths("a redirect may lead to another host", '.replace(/^[/\\\\]+/, "/")', ""),
  paths("only %2F counts as an escaped slash", "/%(2f|5c)/gi", "/%(2f)/gi"),
  domains("a wildcard stands for nothing, too", "i < text.length - 1; i++", "i < text.length; i++"),
  domains("the shortest wildcard wins", "found = node.value ?? found;", "found ??= node.value;"),
  domains(
    "prefixes come before suffixes",
    "longest(this.#suffixes, host, true) ??\n      longest(this.#prefixes, host, false) ??",
    "longest(this.#prefixes, host, false) ??\n      longest(this.#suffixes, host, true) ??",
  ),
  routes("hosts are compared with their case", "inLowerCase(authority)", "authority"),
  routes("the query is part of the path", "value.length > end || !", "!"),
  routes(
    "a separated prefix is a plain one",
    'return wanted.kind === "separated-prefix" && path.charCodeAt(value.length) === 0x2f;',
    'return wanted.kind === "separated-prefix";',
  ),
  routes("a fraction is one in a million too many", "< match.fraction", "<= match.fraction"),
  headers(
    "a repeated header is its first value",
    "if (flat[i] === name) value",
    "if (flat[i] === name && value === undefined) value",
  ),
  headers(
    "a header that is missing is unlike everything",
    "if (value === undefined) return false;",
    "if (value === undefined) return invert;",
  ),
  headers("a range has its end", "number < range.to", "number <= range.to"),
  query("a parameter's name may begin another's", "after === 0x3d || after === 0x26", "true"),
  rewrite(
    "a redirect keeps the port of the scheme that it leaves",
    "(scheme !== head.scheme && isUsual)",
    "false",
  ),
  rewrite("a rewrite may take the first slash away", 'path.startsWith("/") ? path', "true ? path"),
  edits("an empty value is added", 'text === "" && !keepEmpty', "false"),
  edits(
    "overwriting adds beside",
    'how === "append" || how === "add-if-absent"',
    'how !== "overwrite-if-present"',
  ),
  inConfig("digest.ts")(
    "the order of keys is part of the version",
    "return `map:[${entries.sort().join",
    "return `map:[${entries.join",
  ),
  inConfig("digest.ts")(
    "what has no fields of its own is nothing in the version",
    'if ("toJSON" in value',
    'if (false && "toJSON" in value',
  ),
  inConfig("schema/message.ts")(
    "the first fault ends it",
    "isWhole = false;\n          else",
    "giveUp();\n          else",
  ),
  inConfig("schema/message.ts")(
    "a field that nobody knows is let pass",
    "if (snake === undefined) {",
    "if (false) {",
  ),
  inConfig("schema/node.ts")(
    "faults are listed without end",
    "this.problems.length < PROBLEMS_MAX",
    "true",
  ),
  inConfig("compile.ts")(
    "clusters may be missing",
    "if (known.has(cluster)) continue;",
    "continue;",
  ),
  inConfig("xds/types.ts")("a fraction is of a hundred", "MILLION / Number(denominator)", "10_000"),
  inConfig("xds/route.ts")(
    "outer edits are made first",
    "[...one.headers.request, ...outer.headers.request]",
    "[...outer.headers.request, ...one.headers.request]",
  ),
  inConfig("xds/route.ts")(
    "a virtual host's settings win over a route's",
    "[...outer.filters, ...one.filters]",
    "[...one.filters, ...outer.filters]",
  ),
  inConfig("xds/route.ts")("retries are not handed down", "action.retry ?? retry", "action.retry"),
  inConfig("xds/outlier.ts")(
    "an ejection ends after 300 s, whatever its base",
    "Math.max(300_000, values.baseEjectionTime)",
    "300_000",
  ),
  inConfig("xds/outlier.ts")(
    "high priority shares the thresholds of the default",
    "breakers[one.priority] = one.thresholds;",
    "breakers.default = breakers.high = one.thresholds;",
  ),
];
