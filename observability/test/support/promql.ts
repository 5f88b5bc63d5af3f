// What an expression of PromQL asks for: the selectors in it, and the metrics by their names. Not a
// parser, which Prometheus has, but what is left once everything that is no selector is taken
// away: strings, labels to group by, ranges, functions, numbers and operators. It is for the
// expressions of this folder, and its own test says which shapes it knows.

/** A metric that is asked for, as `name` or `name{…}`. */
export interface Selector {
  readonly name: string;
  /** The whole of it, as Prometheus would take it. */
  readonly text: string;
}

const words = new Set(["and", "or", "unless", "bool", "offset", "inf", "nan", "atan2"]);
const grouping = /\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g;
const range = /\[[^\]]*\]/g;
// A name with its matchers, or without; a bare `{…}` has no name.
const candidate = /([a-z_:][\w:]*)?(\{(?:"(?:[^"\\]|\\.)*"|[^"}])*\})|([a-z_:][\w:]*)(?!\s*\()/gi;

/** The selectors of an expression, in order. */
export function selectorsOf(expression: string): Selector[] {
  const bare = expression.replace(grouping, "").replace(range, "");
  const found: Selector[] = [];
  for (const [text, before, matchers, alone] of bare.matchAll(withoutCalls)) {
    const name = matchers === undefined ? alone : before;
    if (name === undefined || words.has(name.toLowerCase())) continue;
    found.push({ name, text });
  }
  return found;
}

// A word before a parenthesis is a function, as a whole: `rate(` must not leave `rat` behind.
const withoutCalls = new RegExp(`(?<![\\w:.])(?:${candidate.source})(?![\\w:])`, "gi");

/** The expression as Grafana would send it: every series, rates over `rangeText`. */
export function substituted(expression: string, rangeText: string): string {
  return expression
    .replaceAll("$__rate_interval", rangeText)
    .replace(/"\$(job|name|instance|listener|cluster)"/g, '".*"');
}
