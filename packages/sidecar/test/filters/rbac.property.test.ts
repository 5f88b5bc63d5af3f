// Authorization against an oracle that reads the rules as they stand, for each request anew; and
// ranges of addresses against the platform's.
import { BlockList, isIP, isIPv4 } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Rule } from "../../src/config/filter-config.ts";
import { IpRange } from "../../src/filters/ip-range.ts";
import { AuthorizationFilter } from "../../src/filters/rbac.ts";
import { ask, type TestRequestOptions } from "./harness.ts";
import { rbacConfig } from "./rbac-traps.ts";

const paths = ["/a", "/a/b", "/b"];
const uris = ["spiffe://a/one", "spiffe://b/two"];
const addresses = ["10.0.0.1", "10.1.0.1", "::ffff:10.0.0.1", "2001:db8::1"];

const anyRule = fc.letrec<{ rule: Rule }>((tie) => ({
  rule: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant<Rule>({ kind: "any" }),
    fc.constantFrom(...paths).map((value): Rule => {
      return { kind: "path", matcher: { kind: "prefix", value, ignoreCase: false } };
    }),
    fc.constantFrom(undefined, ...uris).map((value): Rule => {
      const matcher = value && { kind: "exact" as const, value, ignoreCase: false };
      return { kind: "principal", matcher: matcher || undefined };
    }),
    fc
      .record({
        kind: fc.constantFrom("remote-ip" as const, "direct-ip" as const),
        prefix: fc.constantFrom("10.0.0.0", "10.1.0.0"),
        length: fc.constantFrom(0, 8, 16, 32),
      })
      .map((rule): Rule => rule),
    fc.constantFrom(80, 443).map((port): Rule => ({ kind: "port", port })),
    tie("rule").map((rule): Rule => ({ kind: "not", rule })),
    fc
      .record({
        kind: fc.constantFrom("and" as const, "or" as const),
        rules: fc.array(tie("rule"), { minLength: 1, maxLength: 3 }),
      })
      .map((rule): Rule => rule),
  ),
})).rule;

const anyRequest = fc
  .record({
    path: fc.constantFrom(...paths, "/a?/b", "/c"),
    remoteAddress: fc.constantFrom(...addresses),
    clientAddress: fc.constantFrom(...addresses),
    localPort: fc.constantFrom(80, 443),
    uri: fc.constantFrom(undefined, "none", ...uris),
  })
  .map(({ uri, ...request }) => {
    if (uri === undefined) return request;
    return { ...request, tls: { peerUris: uri === "none" ? [] : [uri] } };
  });

type Asked = TestRequestOptions & { readonly path: string };

function isInRange(address: string, prefix: string, length: number): boolean {
  const bare = address.replace("::ffff:", "");
  if (!isIPv4(bare)) return false;
  const bits = (text: string): string =>
    text
      .split(".")
      .map((octet) => Number(octet).toString(2).padStart(8, "0"))
      .join("");
  return bits(bare).startsWith(bits(prefix).slice(0, length));
}

function oracle(rule: Rule, request: Asked): boolean {
  const names = request.tls?.peerUris ?? [];
  switch (rule.kind) {
    case "any":
      return true;
    case "and":
      return rule.rules.every((each) => oracle(each, request));
    case "or":
      return rule.rules.some((each) => oracle(each, request));
    case "not":
      return !oracle(rule.rule, request);
    case "path":
      return request.path.split("?")[0]!.startsWith((rule.matcher as { value: string }).value);
    case "principal":
      return names.some(
        (name) => !rule.matcher || (rule.matcher as { value: string }).value === name,
      );
    case "remote-ip":
      return isInRange(request.clientAddress!, rule.prefix, rule.length);
    case "direct-ip":
      return isInRange(request.remoteAddress!, rule.prefix, rule.length);
    case "port":
      return request.localPort === rule.port;
    case "header":
      return false;
  }
}

test("compiled rules say what the rules say", () => {
  const rules = fc.array(anyRule, { minLength: 1, maxLength: 3 });
  const policies = fc.dictionary(
    fc.constantFrom("a", "b", "c"),
    fc.record({ who: rules, what: rules }),
    { maxKeys: 3 },
  );
  const action = fc.constantFrom("allow" as const, "deny" as const);
  const requests = fc.array(anyRequest, { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(action, policies, requests, (act, named, asked) => {
      const filter = new AuthorizationFilter(rbacConfig(act, named));
      for (const request of asked) {
        const matched = Object.values(named).some(({ who, what }) => {
          const isOne = who.some((rule) => oracle(rule, request));
          return isOne && what.some((rule) => oracle(rule, request));
        });
        expect(ask(filter, request) === undefined).toBe(matched === (act === "allow"));
      }
    }),
    { numRuns: 500 },
  );
});

test("a range contains the addresses that the platform says it contains", () => {
  const near = fc.tuple(fc.ipV6(), fc.nat(15)).map(([text, i]) => {
    const at = text.length - 1;
    return text[at] === ":" ? text : text.slice(0, at) + i.toString(16);
  });
  const address = fc.oneof(fc.ipV4(), fc.ipV6(), near);
  fc.assert(
    fc.property(address, address, fc.nat(128), fc.boolean(), (prefix, other, bits, isSame) => {
      fc.pre(!/:0*:ffff:/i.test(prefix + other) && isIP(prefix) !== 0 && isIP(other) !== 0);
      const family = isIPv4(prefix) ? "ipv4" : "ipv6";
      const length = family === "ipv4" ? bits % 33 : bits;
      const asked = isSame ? prefix : other;
      const list = new BlockList();
      list.addSubnet(prefix, length, family);
      const expected = isIPv4(asked) === (family === "ipv4") && list.check(asked, family);
      expect(new IpRange(prefix, length).contains(asked)).toBe(expected);
    }),
    { numRuns: 2_000 },
  );
});

test("what the platform takes for no address is in no range", () => {
  const text = fc.stringMatching(/^[0-9a-f:.]{1,20}$/);
  fc.assert(
    fc.property(text, (address) => {
      const isIn = new IpRange("::", 0).contains(address);
      const isInOther = new IpRange("0.0.0.0", 0).contains(address);
      expect(isIn || isInOther).toBe(isIP(address) !== 0);
    }),
    { numRuns: 5_000 },
  );
});
