// Authorization (envoy.filters.http.rbac): who may do what. A policy holds when one of its
// principals and one of its permissions does; the policies are asked in the order of their names.
//
//     action   a policy holds   none holds
//     allow    goes on          403
//     deny     403              goes on
//
// Rules are compiled once, into functions of a request: what is asked for each request follows no
// tree and makes nothing, but for the path without its query. The path is the one normal path that
// the routes saw and the upstream will see; a rule about another one would be passed by.
//
// The client's names are those in its verified certificate (SPIFFE ids and other URIs, then DNS
// names). Left out: the certificate's subject, which Envoy falls back to; a name in a subject is no
// identity (RFC 6125 §6.4.4).
import type { RequestHead } from "../codec/codec.ts";
import type { AuthorizationConfig, AuthorizationPolicy, Rule } from "../config/filter-config.ts";
import type { StringMatcher } from "../config/route-config.ts";
import { matchesHeader } from "../match/header-matcher.ts";
import { endOfPath } from "../match/query.ts";
import { matchesString } from "../match/string-matcher.ts";
import type { RequestInfo } from "../router/request-info.ts";
import type { FilteredRequest, HttpFilter, Verdict } from "./http-filter.ts";
import { IpRange } from "./ip-range.ts";

type Condition = (head: RequestHead, info: RequestInfo) => boolean;

interface CompiledPolicy {
  readonly holds: Condition;
  /** What becomes of a request that it denies. */
  readonly denial: Verdict;
}

/** Lets through what its policies allow, or do not deny. */
export class AuthorizationFilter implements HttpFilter {
  readonly kind = "rbac";
  readonly name: string;
  readonly numbers: { allowed: number; denied: number } = { allowed: 0, denied: 0 };
  readonly #allows: boolean;
  readonly #policies: readonly CompiledPolicy[];
  readonly #unmatched: Verdict = denialBy("none");

  constructor({ name, action, policies }: AuthorizationConfig) {
    this.name = name;
    this.#allows = action === "allow";
    const sorted = [...policies].sort(([a], [b]) => (a < b ? -1 : 1));
    this.#policies = sorted.map(([policy, rules]) => {
      return { holds: compilePolicy(rules), denial: denialBy(policy) };
    });
  }

  onRequest({ head, info }: FilteredRequest): Verdict {
    const matched = this.#matched(head, info);
    if ((matched !== undefined) === this.#allows) {
      this.numbers.allowed++;
      return undefined;
    }
    this.numbers.denied++;
    return matched === undefined ? this.#unmatched : matched.denial;
  }

  #matched(head: RequestHead, info: RequestInfo): CompiledPolicy | undefined {
    for (const policy of this.#policies) if (policy.holds(head, info)) return policy;
    return undefined;
  }
}

// Whitespace would end a field of an access log.
function denialBy(policy: string): Verdict {
  const details = `rbac_access_denied_matched_policy[${policy.replace(/\s/g, "_")}]`;
  return { kind: "reply", reply: { status: 403, text: "RBAC: access denied", details } };
}

function compilePolicy({ permissions, principals }: AuthorizationPolicy): Condition {
  const may = anyOf(permissions);
  const isOne = anyOf(principals);
  return (head, info) => may(head, info) && isOne(head, info);
}

function anyOf(rules: readonly Rule[]): Condition {
  const conditions = rules.map(compileRule);
  if (conditions.length === 1) return conditions[0]!;
  return (head, info) => {
    for (const condition of conditions) if (condition(head, info)) return true;
    return false;
  };
}

function allOf(rules: readonly Rule[]): Condition {
  const conditions = rules.map(compileRule);
  return (head, info) => {
    for (const condition of conditions) if (!condition(head, info)) return false;
    return true;
  };
}

function compileRule(rule: Rule): Condition {
  switch (rule.kind) {
    case "any":
      return () => true;
    case "and":
      return allOf(rule.rules);
    case "or":
      return anyOf(rule.rules);
    case "not": {
      const condition = compileRule(rule.rule);
      return (head, info) => !condition(head, info);
    }
    case "header": {
      const { matcher } = rule;
      return (head) => matchesHeader(matcher, head);
    }
    case "path":
      return pathCondition(rule.matcher);
    case "principal":
      return principalCondition(rule.matcher);
    case "remote-ip": {
      const range = new IpRange(rule.prefix, rule.length);
      return (_head, info) => range.contains(info.remoteAddress);
    }
    case "direct-ip": {
      const range = new IpRange(rule.prefix, rule.length);
      return (_head, info) => range.contains(info.peer.remoteAddress);
    }
    case "port": {
      const { port } = rule;
      return (_head, info) => info.peer.localPort === port;
    }
  }
}

// CONNECT has no path, and no rule about paths holds for it.
function pathCondition(matcher: StringMatcher): Condition {
  return ({ path }) => {
    if (path === "") return false;
    const end = endOfPath(path);
    return matchesString(matcher, end === path.length ? path : path.slice(0, end));
  };
}

function principalCondition(matcher: StringMatcher | undefined): Condition {
  return (_head, { peer: { tls } }) => {
    if (tls === undefined) return false;
    const { peerUris, peerDnsNames } = tls;
    if (matcher === undefined) return peerUris.length + peerDnsNames.length > 0;
    for (const uri of peerUris) if (matchesString(matcher, uri)) return true;
    for (const dnsName of peerDnsNames) if (matchesString(matcher, dnsName)) return true;
    return false;
  };
}
