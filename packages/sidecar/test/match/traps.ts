// What must hold of routes, matchers and paths, as sentences. They are run on the sources, and on
// copies of them with planted bugs, so they take what they look at as an argument.
import assert from "node:assert/strict";
import { Fields } from "../../src/codec/fields.ts";
import { Format } from "../../src/config/format.ts";
import { Pattern, Substitution } from "../../src/config/pattern.ts";
import type { HeaderEdit, RedirectAction, RouteMatch } from "../../src/config/route-config.ts";
import type * as Edits from "../../src/match/header-edits.ts";
import type * as Headers from "../../src/match/header-matcher.ts";
import type * as Paths from "../../src/match/path-normalizer.ts";
import type * as Query from "../../src/match/query.ts";
import type * as Rewrites from "../../src/match/rewrite.ts";
import type * as Routes from "../../src/match/route-table.ts";
import type * as Strings from "../../src/match/string-matcher.ts";
import { contextOf } from "../config/format-context.ts";
import { exactly, headerIs, hostOf, matchOf, requestOf, routeOf } from "./helpers.ts";

/** The modules under test. */
export type MatchSubject = typeof Edits &
  typeof Headers &
  typeof Paths &
  typeof Query &
  typeof Rewrites &
  typeof Routes &
  typeof Strings;

const never = { below: () => assert.fail("chance was asked") };

/** Each must hold. */
export const matchTraps: Readonly<Record<string, (subject: MatchSubject) => void>> = {
  "domains: exact, then the longest suffix, then the longest prefix, then any": ({
    RouteTable,
  }) => {
    const domains = [
      "*",
      "a.*",
      "a.b.*",
      "*.example",
      "*.b.example",
      "*-x.b.example",
      "a.b.example",
    ];
    const virtualHosts = domains.map((domain) => hostOf(domain, [domain]));
    for (const hosts of [virtualHosts, virtualHosts.toReversed()]) {
      const table = new RouteTable({ virtualHosts: hosts, ignoresPort: false, random: never });
      const found = (authority: string): string | undefined =>
        table.find(requestOf("/", { authority }))?.virtualHost.name;
      assert.equal(found("a.b.example"), "a.b.example");
      assert.equal(found("A.B.Example"), "a.b.example");
      assert.equal(found("c.b.example"), "*.b.example");
      assert.equal(found("c-x.b.example"), "*-x.b.example");
      assert.equal(found("c.example"), "*.example");
      assert.equal(found("a.example"), "*.example");
      assert.equal(found("a.b.test"), "a.b.*");
      assert.equal(found("a.test"), "a.*");
      assert.equal(found("test"), "*");
      assert.equal(found(""), "*");
    }
  },

  "domains: a wildcard does not stand for nothing": ({ RouteTable }) => {
    const virtualHosts = [hostOf("suffix", ["*-b.example"]), hostOf("prefix", ["foo.*"])];
    const table = new RouteTable({ virtualHosts, ignoresPort: false, random: never });
    const found = (authority: string): string | undefined =>
      table.virtualHostOf(requestOf("/", { authority }))?.name;
    assert.equal(found("a-b.example"), "suffix");
    assert.equal(found("-b.example"), undefined);
    assert.equal(found("foo.x"), "prefix");
    assert.equal(found("foo."), undefined);
  },

  "domains: a port counts unless the table ignores it": ({ RouteTable }) => {
    const virtualHosts = [hostOf("plain", ["a.example"]), hostOf("v6", ["[::1]"])];
    const found = (authority: string, ignoresPort: boolean): string | undefined =>
      new RouteTable({ virtualHosts, ignoresPort, random: never }).virtualHostOf(
        requestOf("/", { authority }),
      )?.name;
    assert.equal(found("a.example:8080", false), undefined);
    assert.equal(found("a.example:8080", true), "plain");
    assert.equal(found("[::1]", true), "v6");
    assert.equal(found("[::1]:80", true), "v6");
  },

  "routes: the first that matches, and no other virtual host": ({ RouteTable }) => {
    const routes = [
      routeOf("exact", matchOf({ kind: "exact", value: "/a" })),
      routeOf("separated", matchOf({ kind: "separated-prefix", value: "/b" })),
      routeOf("prefix", matchOf({ kind: "prefix", value: "/bc" })),
      routeOf("folded", matchOf({ kind: "prefix", value: "/shop" }, { ignoreCase: true })),
      routeOf("never", matchOf({ kind: "prefix", value: "/q?x" })),
      routeOf("regex", matchOf({ kind: "regex", value: new Pattern("/v[0-9]+/x") })),
    ];
    const table = new RouteTable({
      virtualHosts: [hostOf("one", ["a.example"], routes), hostOf("any", ["*"])],
      ignoresPort: false,
      random: never,
    });
    const found = (path: string): string | undefined => table.find(requestOf(path))?.route.name;
    assert.equal(found("/a"), "exact");
    assert.equal(found("/a?x=1"), "exact");
    assert.equal(found("/a/"), undefined);
    assert.equal(found("/A"), undefined);
    assert.equal(found("/b"), "separated");
    assert.equal(found("/b?x"), "separated");
    assert.equal(found("/b/x"), "separated");
    assert.equal(found("/bcd"), "prefix");
    assert.equal(found("/bd"), undefined);
    assert.equal(found("/SHOP/x"), "folded");
    assert.equal(found("/sho?p"), undefined);
    assert.equal(found("/v12/x?y=/z"), "regex");
    assert.equal(found("/v12/xy"), undefined);
    assert.equal(found("/?/a"), undefined);
    assert.equal(found("/q?x"), undefined);
  },

  "routes: a fraction is asked of chance, last": ({ RouteTable }) => {
    const match = matchOf(
      { kind: "prefix", value: "/" },
      { fraction: 250_000, headers: [headerIs("x-a", exactly("1"))] },
    );
    let next = 0;
    const table = new RouteTable({
      virtualHosts: [hostOf("a", ["*"], [routeOf("some", match)])],
      ignoresPort: false,
      random: { below: (n) => (n === 1_000_000 ? next : assert.fail("of a million")) },
    });
    const found = (): boolean => table.find(requestOf("/", { fields: ["x-a", "1"] })) !== undefined;
    next = 249_999;
    assert.equal(found(), true);
    next = 250_000;
    assert.equal(found(), false);
    const other = new RouteTable({
      virtualHosts: [hostOf("a", ["*"], [routeOf("some", match)])],
      ignoresPort: false,
      random: never,
    });
    assert.equal(other.find(requestOf("/", { fields: ["x-a", "2"] })), undefined);
  },

  "routes: gRPC is application/grpc and its kin, not grpc-web": ({ isGrpc }) => {
    const is = (type: string): boolean =>
      isGrpc(requestOf("/", { fields: ["content-type", type] }));
    assert.ok(is("application/grpc") && is("application/grpc+proto") && is("application/grpc;v=1"));
    assert.ok(!is("application/grpc-web") && !is("application/json"));
    assert.ok(!isGrpc(requestOf("/")));
  },

  "headers: repeated ones are one value, joined by commas": ({ matchesHeader }) => {
    const head = requestOf("/", { fields: ["x", "1", "y", "0", "x", "2"] });
    assert.ok(matchesHeader(headerIs("x", exactly("1,2")), head));
    assert.ok(!matchesHeader(headerIs("x", exactly("1")), head));
  },

  "headers: Host is the authority, by either name": ({ matchesHeader }) => {
    const head = requestOf("/");
    assert.ok(matchesHeader(headerIs("host", exactly("a.example")), head));
    assert.ok(matchesHeader(headerIs(":authority", exactly("a.example")), head));
    assert.ok(!matchesHeader(headerIs("host", exactly("a.example"), true), head));
  },

  "headers: what is missing is neither like a pattern nor unlike it": ({ matchesHeader }) => {
    const head = requestOf("/");
    assert.ok(!matchesHeader(headerIs("x", exactly("1")), head));
    assert.ok(!matchesHeader(headerIs("x", exactly("1"), true), head));
    const present = { name: "x", match: { kind: "present" }, invert: false } as const;
    assert.ok(!matchesHeader(present, head));
    assert.ok(matchesHeader({ ...present, invert: true }, head));
    const given = requestOf("/", { fields: ["x", "2"] });
    assert.ok(matchesHeader(present, given));
    assert.ok(matchesHeader(headerIs("x", exactly("1"), true), given));
  },

  "headers: a range has its start and not its end, and only whole numbers": ({ matchesHeader }) => {
    const match = { kind: "range", from: -10, to: 10 } as const;
    const is = (value: string): boolean =>
      matchesHeader({ name: "x", match, invert: false }, requestOf("/", { fields: ["x", value] }));
    assert.ok(is("-10") && is("9"));
    assert.ok(!is("10") && !is("") && !is("5x") && !is("1.5") && !is("-11"));
  },

  "headers: pseudo-headers are what they are in HTTP/2": ({ matchesHeader }) => {
    const head = requestOf("/p?q", { method: "PUT", authority: "b.example", scheme: "https" });
    for (const [name, value] of [
      [":method", "PUT"],
      [":path", "/p?q"],
      [":authority", "b.example"],
      [":scheme", "https"],
    ] as const) {
      assert.ok(matchesHeader(headerIs(name, exactly(value)), head));
    }
  },

  "texts: case is ignored only where it is said": ({ matchesString }) => {
    for (const kind of ["exact", "prefix", "suffix", "contains"] as const) {
      assert.ok(matchesString({ kind, value: "ab", ignoreCase: true }, "AB"));
      assert.ok(!matchesString({ kind, value: "ab", ignoreCase: false }, "AB"));
    }
    assert.ok(matchesString({ kind: "suffix", value: "c", ignoreCase: false }, "abc"));
    assert.ok(!matchesString({ kind: "prefix", value: "c", ignoreCase: false }, "abc"));
    assert.ok(!matchesString({ kind: "regex", value: new Pattern("b") }, "abc"));
  },

  "queries: the first parameter of a name counts, undecoded": ({
    queryParameter,
    matchesQuery,
  }) => {
    assert.equal(queryParameter("/p?a=1&b=2&a=3", "a"), "1");
    assert.equal(queryParameter("/p?aa=1&a=%20", "a"), "%20");
    assert.equal(queryParameter("/p?b&a", "a"), "");
    assert.equal(queryParameter("/p?b&a=", "a"), "");
    assert.equal(queryParameter("/p?ab=1", "a"), undefined);
    assert.equal(queryParameter("/a=1", "a"), undefined);
    assert.equal(queryParameter("/p?x=a=1", "a"), undefined);
    assert.ok(matchesQuery([{ name: "a", value: undefined }], "/p?a=1", 2));
    assert.ok(!matchesQuery([{ name: "a", value: exactly("2") }], "/p?a=1&a=2", 2));
  },

  "rewrites: a prefix is swapped, the rest and the query stay": ({ rewritePath }) => {
    const rewrite = { kind: "prefix", value: "/new" } as const;
    const prefix = matchOf({ kind: "prefix", value: "/old" });
    assert.equal(rewritePath(rewrite, prefix, "/old/x?y=/old"), "/new/x?y=/old");
    const exact = matchOf({ kind: "exact", value: "/old" });
    assert.equal(rewritePath(rewrite, exact, "/old?y"), "/new?y");
    const regex = matchOf({ kind: "regex", value: new Pattern("/o.*") });
    assert.equal(rewritePath(rewrite, regex, "/old/x?y"), "/new?y");
    assert.equal(rewritePath(undefined, prefix, "/old?y"), "/old?y");
  },

  "rewrites: a pattern sees the path alone, and the result begins with a slash": ({
    rewritePath,
  }) => {
    const pattern = new Pattern("/");
    const rewrite = {
      kind: "regex",
      pattern,
      substitution: new Substitution("", pattern),
    } as const;
    const any = matchOf({ kind: "prefix", value: "/" });
    assert.equal(rewritePath(rewrite, any, "/a/b?c/d"), "/ab?c/d");
  },

  "redirects: what is not named stays the client's": ({ redirectLocation }) => {
    const redirect: RedirectAction = {
      kind: "redirect",
      scheme: undefined,
      host: undefined,
      port: undefined,
      path: undefined,
      status: 301,
      stripQuery: false,
    };
    const match: RouteMatch = matchOf({ kind: "prefix", value: "/a" });
    const to = (changes: Partial<RedirectAction>, authority = "h:80"): string =>
      redirectLocation({ ...redirect, ...changes }, match, requestOf("/a/b?c", { authority }));
    assert.equal(to({ scheme: "https" }), "https://h/a/b?c");
    assert.equal(to({ scheme: "https" }, "h:8080"), "https://h:8080/a/b?c");
    assert.equal(to({ scheme: "http" }), "http://h:80/a/b?c");
    assert.equal(to({ port: 8443 }), "http://h:8443/a/b?c");
    assert.equal(to({ port: 8443 }, "[::1]:1"), "http://[::1]:8443/a/b?c");
    assert.equal(to({ host: "x" }), "http://x/a/b?c");
    assert.equal(to({ path: { kind: "whole", value: "/n" } }), "http://h:80/n?c");
    assert.equal(to({ path: { kind: "whole", value: "/n?d" } }), "http://h:80/n?d");
    assert.equal(to({ path: { kind: "prefix", value: "/n" } }), "http://h:80/n/b?c");
    assert.equal(to({ stripQuery: true }), "http://h:80/a/b");
  },

  "edits: removal comes first, and each way of adding does what it is called": ({ applyEdits }) => {
    const add = (how: HeaderEdit["add"][number]["how"], name: string, value: string) => ({
      name,
      value: new Format(value),
      how,
      keepEmpty: false,
    });
    const fields = new Fields(["a", "1", "b", "1", "b", "2", "c", "1"]);
    const edit: HeaderEdit = {
      remove: ["c"],
      add: [
        add("append", "a", "%RESPONSE_CODE%"),
        add("overwrite", "b", "3"),
        add("add-if-absent", "a", "no"),
        add("add-if-absent", "c", "back"),
        add("overwrite-if-present", "d", "no"),
        add("append", "e", "%REQ(absent)%"),
        { ...add("append", "f", "%REQ(absent)%"), keepEmpty: true },
      ],
    };
    applyEdits([edit], fields, contextOf());
    assert.deepEqual(fields.flat, ["a", "1", "b", "3", "a", "200", "c", "back", "f", ""]);
  },
};
