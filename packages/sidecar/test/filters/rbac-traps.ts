// What must hold of authorization, as sentences. They are run on the sources, and on copies of them
// with planted bugs.
import assert from "node:assert/strict";
import type { AuthorizationConfig, Rule } from "../../src/config/filter-config.ts";
import { Pattern } from "../../src/config/pattern.ts";
import type { StringMatcher } from "../../src/config/route-config.ts";
import { ask, replyOf, TestRequest, type TestRequestOptions } from "./harness.ts";
import type { FilterSubject } from "./subject.ts";

const any: Rule = { kind: "any" };
const text = (kind: "exact" | "prefix" | "suffix", value: string): StringMatcher => {
  return { kind, value, ignoreCase: false };
};
const pathIs = (value: string): Rule => ({ kind: "path", matcher: text("exact", value) });
const remoteIp = (prefix: string, length: number): Rule => ({ kind: "remote-ip", prefix, length });
const directIp = (prefix: string, length: number): Rule => ({ kind: "direct-ip", prefix, length });
const principal = (value?: string): Rule => {
  return { kind: "principal", matcher: value === undefined ? undefined : text("exact", value) };
};

type Policies = Readonly<Record<string, { who?: readonly Rule[]; what?: readonly Rule[] }>>;

export function rbacConfig(action: "allow" | "deny", policies: Policies): AuthorizationConfig {
  const entries = Object.entries(policies).map(
    ([name, { who = [any], what = [any] }]) =>
      [name, { principals: who, permissions: what }] as const,
  );
  return { kind: "rbac", name: "authorization", action, policies: new Map(entries) };
}

/** Whether a request passes where nothing else than this rule allows it. */
function holds(subject: FilterSubject, rule: Rule, request: TestRequestOptions = {}): boolean {
  const config = rbacConfig("allow", { one: { what: [rule] } });
  return ask(new subject.rbac.AuthorizationFilter(config), request) === undefined;
}

export const rbacTraps: Readonly<Record<string, (subject: FilterSubject) => void>> = {
  "allow: what a policy allows goes on, all else is 403": ({ rbac }) => {
    const filter = new rbac.AuthorizationFilter(
      rbacConfig("allow", { a: { what: [pathIs("/a")] }, b: { what: [pathIs("/b")] } }),
    );
    assert.equal(ask(filter, { path: "/a" }), undefined);
    assert.equal(ask(filter, { path: "/b" }), undefined);
    const reply = replyOf(ask(filter, { path: "/c" }));
    assert.equal(reply.status, 403);
    assert.equal(reply.text, "RBAC: access denied");
    assert.equal(reply.details, "rbac_access_denied_matched_policy[none]");
    assert.deepEqual(filter.numbers, { allowed: 2, denied: 1 });
  },

  "deny: the first policy in the order of names denies, all else goes on": ({ rbac }) => {
    const what = [pathIs("/a")];
    const filter = new rbac.AuthorizationFilter(
      rbacConfig("deny", { "the second": { what }, "a first": { what }, z: { what: [any] } }),
    );
    const { details } = replyOf(ask(filter, { path: "/a" }));
    assert.equal(details, "rbac_access_denied_matched_policy[a_first]");
    const other = replyOf(ask(filter, { path: "/b" }));
    assert.equal(other.details, "rbac_access_denied_matched_policy[z]");
    assert.equal(ask(new rbac.AuthorizationFilter(rbacConfig("deny", {}))), undefined);
  },

  "no policy at all allows nothing": ({ rbac }) => {
    assert.equal(ask(new rbac.AuthorizationFilter(rbacConfig("allow", {})))?.kind, "reply");
  },

  "a policy needs one of its principals and one of its permissions": ({ rbac }) => {
    const filter = new rbac.AuthorizationFilter(
      rbacConfig("allow", {
        one: {
          who: [principal("spiffe://a/one"), principal("spiffe://a/two")],
          what: [pathIs("/a"), pathIs("/b")],
        },
      }),
    );
    const tls = { peerUris: ["spiffe://a/two"] };
    assert.equal(ask(filter, { path: "/b", tls }), undefined);
    assert.equal(ask(filter, { path: "/c", tls })?.kind, "reply");
    assert.equal(ask(filter, { path: "/b" })?.kind, "reply");
  },

  "and, or, not": (subject) => {
    const both: Rule = { kind: "and", rules: [pathIs("/a"), remoteIp("192.0.2.0", 24)] };
    const either: Rule = { kind: "or", rules: [pathIs("/a"), remoteIp("192.0.2.0", 24)] };
    const outside = { remoteAddress: "198.51.100.1" };
    assert.ok(holds(subject, both, { path: "/a" }));
    assert.ok(!holds(subject, both, { path: "/b" }));
    assert.ok(!holds(subject, both, { path: "/a", ...outside }));
    assert.ok(holds(subject, either, { path: "/b" }));
    assert.ok(holds(subject, either, { path: "/a", ...outside }));
    assert.ok(!holds(subject, either, { path: "/b", ...outside }));
    assert.ok(holds(subject, { kind: "not", rule: pathIs("/a") }, { path: "/b" }));
    assert.ok(!holds(subject, { kind: "not", rule: pathIs("/a") }, { path: "/a" }));
  },

  "a path is looked at without its query, and CONNECT has none": (subject) => {
    assert.ok(holds(subject, pathIs("/a"), { path: "/a?b=/c" }));
    const suffix: Rule = { kind: "path", matcher: text("suffix", "/public") };
    assert.ok(!holds(subject, suffix, { path: "/secret?/public" }));
    const all: Rule = { kind: "path", matcher: { kind: "regex", value: new Pattern(".*") } };
    assert.ok(holds(subject, all, { path: "/" }));
    assert.ok(!holds(subject, all, { path: "", method: "CONNECT" }));
  },

  "headers, and the pseudo-headers": (subject) => {
    const matches = (name: string, value: string): Rule => {
      const match = { kind: "string", value: text("exact", value) } as const;
      return { kind: "header", matcher: { name, match, invert: false } };
    };
    assert.ok(holds(subject, matches(":method", "GET")));
    assert.ok(!holds(subject, matches(":method", "GET"), { method: "POST" }));
    assert.ok(holds(subject, matches("x-role", "admin"), { fields: ["x-role", "admin"] }));
    assert.ok(!holds(subject, matches("x-role", "admin")));
  },

  "a principal is a name in the verified certificate": (subject) => {
    const uri = { tls: { peerUris: ["spiffe://a/one"] } };
    const dns = { tls: { peerDnsNames: ["one.example"] } };
    assert.ok(holds(subject, principal("spiffe://a/one"), uri));
    assert.ok(holds(subject, principal("one.example"), dns));
    assert.ok(!holds(subject, principal("spiffe://a/one"), dns));
    assert.ok(!holds(subject, principal("spiffe://a/one")));
    // A name that the client merely asked for is not its own.
    assert.ok(!holds(subject, principal("one.example"), { tls: { serverName: "one.example" } }));
  },

  "a principal without a name is any verified client, and TLS alone verifies none": (subject) => {
    assert.ok(holds(subject, principal(), { tls: { peerUris: ["spiffe://a/one"] } }));
    assert.ok(holds(subject, principal(), { tls: { peerDnsNames: ["one.example"] } }));
    assert.ok(!holds(subject, principal(), { tls: {} }));
    assert.ok(!holds(subject, principal()));
  },

  "remote-ip is the client after X-Forwarded-For, direct-ip the connection": (subject) => {
    const request = { remoteAddress: "192.0.2.1", clientAddress: "203.0.113.9" };
    assert.ok(holds(subject, remoteIp("203.0.113.0", 24), request));
    assert.ok(!holds(subject, remoteIp("192.0.2.0", 24), request));
    assert.ok(holds(subject, directIp("192.0.2.0", 24), request));
    assert.ok(!holds(subject, directIp("203.0.113.0", 24), request));
  },

  "RFC 4291 §2.5.5.2: an IPv4-mapped address is that IPv4 address": (subject) => {
    const mapped = { remoteAddress: "::ffff:10.1.2.3" };
    assert.ok(holds(subject, remoteIp("10.0.0.0", 8), mapped));
    assert.ok(holds(subject, remoteIp("10.0.0.0", 8), { remoteAddress: "::FFFF:a01:203" }));
    assert.ok(holds(subject, remoteIp("::ffff:10.0.0.0", 104), { remoteAddress: "10.1.2.3" }));
    assert.ok(!holds(subject, remoteIp("::", 0), mapped));
    assert.ok(!holds(subject, remoteIp("0.0.0.0", 0), { remoteAddress: "2001:db8::1" }));
  },

  "what is no address is in no range": (subject) => {
    const texts = ["", "10.1.2", "10.1.2.3.4", "10.1.2.256", "010.1.2.3", "10.1.2.3 ", "10..2.3"];
    for (const remoteAddress of [...texts, "unknown", "/run/socket", "10.1.2.-3"]) {
      assert.ok(!holds(subject, remoteIp("0.0.0.0", 0), { remoteAddress }), remoteAddress);
    }
    const other = [":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8::", "12345::", "1:"];
    for (const remoteAddress of [
      ...other,
      "1:2:3:4:5:6:7:8:9",
      "::1.2.3",
      "1:2:3:4:5:6:7:1.2.3.4",
      "g::",
    ]) {
      assert.ok(!holds(subject, remoteIp("::", 0), { remoteAddress }), remoteAddress);
    }
  },

  "a zone is no part of an address": (subject) => {
    assert.ok(holds(subject, remoteIp("fe80::", 10), { remoteAddress: "fe80::1%eth0" }));
  },

  "a range that is none is refused when it is made": ({ ipRange }) => {
    const { IpRange } = ipRange;
    assert.throws(() => new IpRange("10.0.0", 8), RangeError);
    assert.throws(() => new IpRange("10.0.0.0", 33), RangeError);
    assert.throws(() => new IpRange("2001:db8::", 129), RangeError);
    assert.throws(() => new IpRange("10.0.0.0", -1), RangeError);
    assert.throws(() => new IpRange("::ffff:10.0.0.0", 95), RangeError);
  },

  "the port is the one that was connected to": (subject) => {
    assert.ok(holds(subject, { kind: "port", port: 8080 }));
    assert.ok(!holds(subject, { kind: "port", port: 8080 }, { localPort: 8081 }));
  },

  "a refusal is made once, not for each request": ({ rbac }) => {
    const filter = new rbac.AuthorizationFilter(rbacConfig("deny", { all: {} }));
    assert.equal(filter.onRequest(new TestRequest()), filter.onRequest(new TestRequest()));
  },
};
