// Small messages that many others contain: fractions, addresses, matchers, header edits.
import { isIP, isIPv6 } from "node:net";
import { Format, FormatError } from "../format.ts";
import type { AddressConfig } from "../listener-config.ts";
import { Pattern, PatternError, Substitution } from "../pattern.ts";
import type { HeaderEdit, HeaderMatcher, RegexRewrite, StringMatcher } from "../route-config.ts";
import {
  defaulted,
  ignored,
  type Message,
  message,
  only,
  optional,
  refused,
  required,
} from "../schema/message.ts";
import { giveUp, type Node, shown } from "../schema/node.ts";
import {
  bool,
  choice,
  decimal,
  headerName,
  headerValue,
  integer,
  list,
  name,
  type Reader,
  refine,
  text,
  uint32,
} from "../schema/reader.ts";

const MILLION = 1_000_000;

/** Of a million. */
export const fractionalPercent: Message<number> = message(
  "envoy.type.v3.FractionalPercent",
  {
    numerator: defaulted(uint32, 0),
    denominator: defaulted(
      choice("DenominatorType", {
        HUNDRED: "100",
        TEN_THOUSAND: "10000",
        MILLION: "1000000",
      }),
      "100",
    ),
  },
  ({ numerator, denominator }, node) => {
    if (numerator <= Number(denominator)) return numerator * (MILLION / Number(denominator));
    return node.fail(
      `${numerator} of ${denominator} is more than all`,
      `lower the numerator to ${denominator}, or choose another denominator`,
    );
  },
);

const noRuntime = ignored("there is no runtime to look it up in; the default value holds");

/** Of a million. */
export const runtimeFraction: Message<number> = message(
  "envoy.config.core.v3.RuntimeFractionalPercent",
  { default_value: required(fractionalPercent), runtime_key: noRuntime },
  (values) => values.defaultValue,
);

/** A number that Envoy could change while it runs. */
export const runtimeDouble: Message<number> = message(
  "envoy.config.core.v3.RuntimeDouble",
  { default_value: defaulted(decimal(0, 1e6), 0), runtime_key: noRuntime },
  (values) => values.defaultValue,
);

/** In percent, which may have a fraction. */
export const percent: Message<number> = message(
  "envoy.type.v3.Percent",
  { value: defaulted(decimal(0, 100), 0) },
  ({ value }) => value,
);

const socketAddress: Message<AddressConfig> = message(
  "envoy.config.core.v3.SocketAddress",
  {
    address: required(name),
    port_value: required(integer(0, 65_535)),
    protocol: defaulted(choice("Protocol", { TCP: "tcp" }), "tcp"),
    named_port: refused("write port_value"),
    resolver_name: refused("names are resolved by the system"),
    ipv4_compat: refused("listen on an IPv4 address as well"),
    network_namespace_filepath: refused("start the proxy in that namespace"),
  },
  ({ address, portValue }) => ({ address, port: portValue }),
);

/** Where to listen, or whom to call. */
export const address: Message<AddressConfig> = message(
  "envoy.config.core.v3.Address",
  {
    socket_address: optional(socketAddress),
    pipe: refused("use a socket_address: Unix sockets are not taken"),
    envoy_internal_address: refused("use a socket_address: there are no internal listeners"),
  },
  ({ socketAddress: socket }) => socket ?? giveUp(),
  { oneOf: [["socket_address", "pipe", "envoy_internal_address"]] },
);

/** An address whose name need not be looked up. */
export function checkIp(node: Node, { address: host }: AddressConfig, next: string): void {
  if (isIP(host) === 0) node.fail(`${shown(host)} is no IP address`, next);
}

/** An address and how many of its first bits count. */
export const cidrRange: Message<{ readonly prefix: string; readonly length: number }> = message(
  "envoy.config.core.v3.CidrRange",
  { address_prefix: required(name), prefix_len: defaulted(integer(0, 128), 0) },
  ({ addressPrefix: prefix, prefixLen: length }, node) => {
    const bits = isIPv6(prefix) ? 128 : 32;
    if (isIP(prefix) === 0) node.fail(`${shown(prefix)} is no IP address`, "write one");
    if (length > bits) {
      node.fail(`has a prefix_len of ${length}, an address has ${bits} bits`, "shorten it");
    }
    return { prefix, length };
  },
);

/** A regular expression in RE2's syntax. */
export const pattern: Reader<Pattern> = refine(text, (source, node) => {
  try {
    return new Pattern(source);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return node.fail(`${shown(source)}: ${error.message}`, "correct or simplify the pattern");
  }
});

/** The whole text must match. */
export const regexMatcher: Message<Pattern> = message(
  "envoy.type.matcher.v3.RegexMatcher",
  {
    regex: required(pattern),
    google_re2: ignored("there is no other engine"),
  },
  ({ regex }) => regex,
);

/** Each match is replaced. */
export const regexRewrite: Message<RegexRewrite> = message(
  "envoy.type.matcher.v3.RegexMatchAndSubstitute",
  { pattern: required(regexMatcher), substitution: defaulted(headerValue, "") },
  ({ pattern: compiled, substitution }, node) => {
    try {
      const filled = new Substitution(substitution, compiled);
      return { kind: "regex", pattern: compiled, substitution: filled };
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      return node.fail(`substitution ${shown(substitution)} ${error.message}`, "correct it");
    }
  },
);

/** A text that is looked for. */
export const stringMatcher: Message<StringMatcher> = message(
  "envoy.type.matcher.v3.StringMatcher",
  {
    exact: optional(text),
    prefix: optional(name),
    suffix: optional(name),
    contains: optional(name),
    safe_regex: optional(regexMatcher),
    custom: refused("use one of the other matchers"),
    ignore_case: defaulted(bool, false),
  },
  (values) => {
    const { ignoreCase, safeRegex } = values;
    if (safeRegex !== undefined) return { kind: "regex", value: safeRegex };
    const kind = (["exact", "prefix", "suffix", "contains"] as const).find(
      (one) => values[one] !== undefined,
    );
    if (kind === undefined) return giveUp();
    const value = values[kind] ?? "";
    return { kind, value: ignoreCase ? value.toLowerCase() : value, ignoreCase };
  },
  { oneOf: [["exact", "prefix", "suffix", "contains", "safe_regex", "custom"]] },
);

const int64Range = message(
  "envoy.type.v3.Int64Range",
  {
    start: defaulted(integer(-(2 ** 53) + 1, 2 ** 53 - 1, "int64"), 0),
    end: defaulted(integer(-(2 ** 53) + 1, 2 ** 53 - 1, "int64"), 0),
  },
  ({ start, end }) => ({ kind: "range", from: start, to: end }) as const,
);

const stringMatch = (
  kind: "exact" | "prefix" | "suffix" | "contains",
  value: string | undefined,
): HeaderMatcher["match"] | undefined => {
  if (value === undefined) return undefined;
  return { kind: "string", value: { kind, value, ignoreCase: false } };
};

/** A header that is looked at. */
export const headerMatcher: Message<HeaderMatcher> = message(
  "envoy.config.route.v3.HeaderMatcher",
  {
    name: required(headerName),
    string_match: optional(stringMatcher),
    present_match: optional(bool),
    range_match: optional(int64Range),
    exact_match: optional(text),
    prefix_match: optional(name),
    suffix_match: optional(name),
    contains_match: optional(name),
    safe_regex_match: optional(regexMatcher),
    invert_match: defaulted(bool, false),
    treat_missing_header_as_empty: only(false, "add another route for the header's absence"),
  },
  (values) => {
    const { name: header, invertMatch, presentMatch, safeRegexMatch, stringMatch: given } = values;
    // `present_match: false` is presence turned around, and turned around again is presence.
    const invert = presentMatch === false ? !invertMatch : invertMatch;
    const regex: HeaderMatcher["match"] | undefined = safeRegexMatch && {
      kind: "string",
      value: { kind: "regex", value: safeRegexMatch },
    };
    const match =
      (given && ({ kind: "string", value: given } as const)) ??
      values.rangeMatch ??
      regex ??
      stringMatch("exact", values.exactMatch) ??
      stringMatch("prefix", values.prefixMatch) ??
      stringMatch("suffix", values.suffixMatch) ??
      stringMatch("contains", values.containsMatch) ??
      ({ kind: "present" } as const);
    return { name: header, match, invert };
  },
  {
    atMostOneOf: [
      [
        "string_match",
        "present_match",
        "range_match",
        "exact_match",
        "prefix_match",
        "suffix_match",
        "contains_match",
        "safe_regex_match",
      ],
    ],
  },
);

/** A text with command operators. */
export function formatOf(reader: Reader<string>): Reader<Format> {
  return refine(reader, (source, node) => {
    try {
      return new Format(source);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return node.fail(
        `${shown(source)} ${error.message}`,
        "write %% for a percent sign, and see XDS.md for the operators",
      );
    }
  });
}

// Host and pseudo-headers say where a request goes: rewriting has fields of its own, which the
// route's choice and its authorization can be held against.
const editable = refine(headerName, (header, node) => {
  if (header.startsWith(":") || header === "host") {
    return node.fail(`${header} is not changed as a header`, "use a rewrite of the route");
  }
  if (framing.has(header)) {
    return node.fail(`${header} is the connection's, and the codec writes it`, "take it out");
  }
  return header;
});

// A second one of these, or one that is not true, and the two sides of a connection do not agree
// any more where a message ends (RFC 9112 §6).
const framing: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

type Addition = HeaderEdit["add"][number];

const headerValueField = message(
  "envoy.config.core.v3.HeaderValue",
  {
    key: required(editable),
    value: optional(formatOf(headerValue)),
    raw_value: refused("write value"),
  },
  ({ key, value }) => ({ name: key, value: value ?? new Format("") }),
);

const headerValueOption: Message<Addition> = message(
  "envoy.config.core.v3.HeaderValueOption",
  {
    header: required(headerValueField),
    append: optional(bool),
    append_action: optional(
      choice<Addition["how"]>("HeaderAppendAction", {
        APPEND_IF_EXISTS_OR_ADD: "append",
        ADD_IF_ABSENT: "add-if-absent",
        OVERWRITE_IF_EXISTS_OR_ADD: "overwrite",
        OVERWRITE_IF_EXISTS: "overwrite-if-present",
      }),
    ),
    keep_empty_value: defaulted(bool, false),
  },
  ({ header, append, appendAction, keepEmptyValue: keepEmpty }) => {
    const how = appendAction ?? (append === false ? "overwrite" : "append");
    return { ...header, how, keepEmpty };
  },
  { atMostOneOf: [["append", "append_action"]] },
);

/** `…_headers_to_add`. */
export const additions: Reader<readonly Addition[]> = list(headerValueOption, 1000);

/** `…_headers_to_remove`. */
export const removals: Reader<readonly string[]> = list(editable, 1000);

/** One level of edits; none of it: no level. */
export function editOf(remove: readonly string[], add: readonly Addition[]): readonly HeaderEdit[] {
  return remove.length === 0 && add.length === 0 ? [] : [{ remove, add }];
}
