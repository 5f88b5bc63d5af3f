// Authorization by role (RBAC): conditions on who asks and on what is asked for, joined by and, or
// and not. What is not taken is refused even where Envoy would take it for "no match": a rule that
// never matches opens a door when it stands in a policy that denies.
import type { AuthorizationConfig, AuthorizationPolicy, Rule } from "../filter-config.ts";
import {
  defaulted,
  ignored,
  label,
  type Message,
  message,
  optional,
  refused,
  required,
} from "../schema/message.ts";
import { giveUp } from "../schema/node.ts";
import {
  bool,
  choice,
  lazy,
  mapOf,
  port,
  type Reader,
  refine,
  someOf,
  Unsupported,
} from "../schema/reader.ts";
import { cidrRange, headerMatcher, stringMatcher } from "./types.ts";

type Some = Readonly<Record<string, Rule | readonly Rule[] | undefined>>;

// Exactly one field of a rule is there; it is the rule.
function theOne(values: Some): Rule {
  const rule = Object.values(values).find((one) => one !== undefined);
  return rule === undefined ? giveUp() : (rule as Rule);
}

const any: Reader<Rule> = refine(bool, (value, node) => {
  return value ? ({ kind: "any" } as const) : node.fail("must be true, got false", "take it out");
});

const header: Reader<Rule> = refine(headerMatcher, (matcher) => ({ kind: "header", matcher }));

const path: Message<Rule> = message(
  "envoy.type.matcher.v3.PathMatcher",
  { path: required(stringMatcher) },
  ({ path: matcher }) => ({ kind: "path", matcher }),
);

const not = (reader: Reader<Rule>): Reader<Rule> => {
  return refine(reader, (rule) => ({ kind: "not", rule }));
};

const permission: Message<Rule> = message(
  "envoy.config.rbac.v3.Permission",
  {
    and_rules: optional(lazy("Permission.Set", () => allPermissions)),
    or_rules: optional(lazy("Permission.Set", () => anyPermission)),
    any: optional(any),
    header: optional(header),
    url_path: optional(path),
    destination_port: optional(refine(port, (number): Rule => ({ kind: "port", port: number }))),
    not_rule: optional(not(lazy("Permission", () => permission))),
    destination_ip: refused("use destination_port, or a listener for each address"),
    destination_port_range: refused("name each port, joined by or_rules"),
    metadata: refused("use header or url_path"),
    sourced_metadata: refused("use header or url_path"),
    requested_server_name: refused("use a filter chain for each server name"),
    matcher: refused("use header or url_path"),
    uri_template: refused("use url_path with safe_regex"),
  },
  theOne,
  {
    oneOf: [["and_rules", "or_rules", "any", "header", "url_path", "destination_port", "not_rule"]],
  },
);

const permissions = (kind: "and" | "or"): Message<Rule> => {
  return message(
    "envoy.config.rbac.v3.Permission.Set",
    { rules: required(someOf(permission)) },
    ({ rules }) => ({ kind, rules }),
  );
};
const allPermissions = permissions("and");
const anyPermission = permissions("or");

const authenticated: Message<Rule> = message(
  "envoy.config.rbac.v3.Principal.Authenticated",
  { principal_name: optional(stringMatcher) },
  ({ principalName }) => ({ kind: "principal", matcher: principalName }),
);

const ipRule = (kind: "remote-ip" | "direct-ip"): Reader<Rule> => {
  return refine(cidrRange, (range) => ({ kind, ...range }));
};

const principal: Message<Rule> = message(
  "envoy.config.rbac.v3.Principal",
  {
    and_ids: optional(lazy("Principal.Set", () => allPrincipals)),
    or_ids: optional(lazy("Principal.Set", () => anyPrincipal)),
    any: optional(any),
    authenticated: optional(authenticated),
    source_ip: optional(ipRule("direct-ip")),
    direct_remote_ip: optional(ipRule("direct-ip")),
    remote_ip: optional(ipRule("remote-ip")),
    header: optional(header),
    url_path: optional(path),
    not_id: optional(not(lazy("Principal", () => principal))),
    metadata: refused("use authenticated or header"),
    sourced_metadata: refused("use authenticated or header"),
    filter_state: refused("use authenticated or header"),
    custom: refused("use authenticated or header"),
  },
  theOne,
  {
    oneOf: [
      [
        "and_ids",
        "or_ids",
        "any",
        "authenticated",
        "source_ip",
        "direct_remote_ip",
        "remote_ip",
        "header",
        "url_path",
        "not_id",
      ],
    ],
  },
);

const principals = (kind: "and" | "or"): Message<Rule> => {
  return message(
    "envoy.config.rbac.v3.Principal.Set",
    { ids: required(someOf(principal)) },
    ({ ids }) => ({ kind, rules: ids }),
  );
};
const allPrincipals = principals("and");
const anyPrincipal = principals("or");

const policy: Message<AuthorizationPolicy> = message(
  "envoy.config.rbac.v3.Policy",
  {
    permissions: required(someOf(permission)),
    principals: required(someOf(principal)),
    condition: refused("write it with permissions and principals"),
    checked_condition: refused("write it with permissions and principals"),
    cel_config: refused("write it with permissions and principals"),
  },
  (values) => values,
);

type Rules = Pick<AuthorizationConfig, "action" | "policies">;

const rules: Message<Rules> = message(
  "envoy.config.rbac.v3.RBAC",
  {
    action: defaulted(
      choice<"allow" | "deny">("Action", {
        ALLOW: "allow",
        DENY: "deny",
        LOG: new Unsupported("see the access log"),
      }),
      "allow",
    ),
    policies: defaulted(mapOf(policy), new Map()),
    audit_logging_options: ignored("it only observes; see the access log"),
  },
  (values) => values,
);

/** Without rules everything may pass: a policy that denies, and denies nothing. */
const none: Rules = { action: "deny", policies: new Map() };

/** The filter, without its name, which stands beside it. */
export const rbac: Message<Omit<AuthorizationConfig, "name">> = message(
  "envoy.extensions.filters.http.rbac.v3.RBAC",
  {
    rules: optional(rules),
    rules_stat_prefix: label("metrics have the filter's name"),
    shadow_rules: ignored("they only observe"),
    shadow_rules_stat_prefix: ignored("they only observe"),
    track_per_rule_stats: ignored("they only observe"),
    matcher: refused("use rules"),
    shadow_matcher: ignored("it only observes"),
  },
  (values) => ({ kind: "rbac", ...(values.rules ?? none) }),
);

/** The filter's setting for a route. */
export const rbacPerRoute: Message<Omit<AuthorizationConfig, "name"> | false> = message(
  "envoy.extensions.filters.http.rbac.v3.RBACPerRoute",
  { rbac: optional(rbac) },
  (values) => values.rbac ?? false,
);
