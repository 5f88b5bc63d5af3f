// Whom a request comes from, as far as can be known, and where its hash leads it.
import assert from "node:assert/strict";
import type { PeerInfo } from "../../src/codec/codec.ts";
import { Fields } from "../../src/codec/fields.ts";
import type { HashPolicy } from "../../src/config/route-config.ts";
import type { Subject } from "./subject.ts";
import { type RequestOptions, World, type WorldOptions } from "./world.ts";

type Traps = Readonly<Record<string, (subject: Subject) => void | Promise<void>>>;

/** What upstream is sent. */
function sentBy(subject: Subject, options: WorldOptions, request: RequestOptions = {}) {
  const world = new World(subject, options);
  world.request(request);
  return world.last.head ?? assert.fail("nothing was sent");
}

const http = (more: object): WorldOptions => ({ http: more });

export const addressTraps: Traps = {
  "the client's address: who is trusted, and what a list can say"({ address }) {
    const rows: [string | undefined, number, boolean, string][] = [
      // Nobody in front is trusted: what is written does not count.
      ["203.0.113.9", 0, true, "192.0.2.1"],
      [undefined, 0, true, "192.0.2.1"],
      // One proxy in front: what that one saw is the last entry.
      ["203.0.113.9", 1, true, "203.0.113.9"],
      ["10.9.9.9, 203.0.113.9", 1, true, "203.0.113.9"],
      ["10.9.9.9, 203.0.113.9, 198.51.100.7", 2, true, "203.0.113.9"],
      // A list that is too short was not written by those who are trusted.
      ["203.0.113.9", 2, true, "192.0.2.1"],
      [undefined, 1, true, "192.0.2.1"],
      // The connection is a proxy's: one entry more.
      ["203.0.113.9", 0, false, "203.0.113.9"],
      ["10.9.9.9,203.0.113.9", 0, false, "203.0.113.9"],
      ["10.9.9.9, 203.0.113.9, 198.51.100.7", 1, false, "203.0.113.9"],
      ["203.0.113.9", 1, false, "192.0.2.1"],
      // What is no address is nobody's.
      ["unknown", 1, true, "192.0.2.1"],
      ["203.0.113.9:80", 1, true, "192.0.2.1"],
      ["", 1, true, "192.0.2.1"],
      ["203.0.113.9, ", 1, true, "192.0.2.1"],
      ["2001:db8::9", 1, true, "2001:db8::9"],
      ["[2001:db8::9]", 1, true, "192.0.2.1"],
      ["::ffff:203.0.113.9", 1, true, "203.0.113.9"],
    ];
    for (const [list, trustedHops, usesRemoteAddress, expected] of rows) {
      const fields = new Fields(list === undefined ? [] : ["x-forwarded-for", list]);
      const peer = { remoteAddress: "::ffff:192.0.2.1", remotePort: 7 } as PeerInfo;
      const config = { trustedHops, usesRemoteAddress };
      const got = address.clientOf({ fields } as never, peer, config);
      assert.equal(got.address, expected, `${list} ${trustedHops} ${usesRemoteAddress}`);
      // Only the connection's own address has the connection's port.
      assert.equal(got.port, expected === "192.0.2.1" ? 7 : 0);
    }
    const twice = new Fields(["x-forwarded-for", "10.9.9.9", "x-forwarded-for", "203.0.113.9"]);
    const trust = { trustedHops: 1, usesRemoteAddress: true };
    const peer = { remoteAddress: "192.0.2.1", remotePort: 7 } as PeerInfo;
    assert.equal(address.clientOf({ fields: twice } as never, peer, trust).address, "203.0.113.9");
  },

  "what a gateway adds: addresses where its own connection counts, and nothing over a trusted word"(
    subject,
  ) {
    const fields = ["x-forwarded-for", "10.9.9.9", "x-forwarded-proto", "https"];
    const seen = (more: object) => {
      const { fields: sent } = sentBy(subject, http(more), { fields });
      return [sent.get("x-forwarded-for"), sent.get("x-forwarded-proto")];
    };
    assert.deepEqual(seen({}), ["10.9.9.9, 192.0.2.1", "http"]);
    assert.deepEqual(seen({ trustedHops: 1 }), ["10.9.9.9, 192.0.2.1", "https"]);
    assert.deepEqual(seen({ appendsForwardedFor: false }), ["10.9.9.9", "http"]);
    assert.deepEqual(seen({ usesRemoteAddress: false }), ["10.9.9.9", "https"]);
    const bare = sentBy(subject, http({ usesRemoteAddress: false }));
    assert.deepEqual(
      [bare.fields.get("x-forwarded-for"), bare.fields.get("x-forwarded-proto")],
      [undefined, "http"],
    );
    assert.equal(bare.fields.get("via"), "1.1 test");
  },

  "who a client is, no client says; how proxies steer each other, nobody at the edge of the mesh"(
    subject,
  ) {
    const fields = [
      ...["x-forwarded-client-cert", "URI=spiffe://mesh/admin"],
      ...["x-envoy-original-path", "/admin"],
      ...["x-envoyage", "kept"],
      ...["x-envoy-retry-on", "5xx"],
      ...["x-forwarded-client-cert", "URI=spiffe://mesh/root"],
      ...["x-envoy-retry-on", "reset"],
    ];
    const names = (more: object): string[] => {
      const { flat } = sentBy(subject, http(more), { fields }).fields;
      return flat.filter((name, i) => i % 2 === 0 && /^x-(envoy|forwarded-client)/.test(name));
    };
    assert.deepEqual(names({}), ["x-envoyage"]);
    assert.deepEqual(names({ trustedHops: 1 }), ["x-envoyage"]);
    const inside = ["x-envoy-original-path", "x-envoyage", "x-envoy-retry-on", "x-envoy-retry-on"];
    assert.deepEqual(names({ usesRemoteAddress: false }), inside);
  },

  "X-Request-Id: made for who has none, an outsider's is replaced, the mesh's own is kept"(
    subject,
  ) {
    const idOf = (more: object, ...fields: string[]) =>
      sentBy(subject, http({ generatesRequestId: true, ...more }), { fields }).fields.get(
        "x-request-id",
      );
    assert.match(idOf({}) ?? "", /^[\da-f]{8}-[\da-f]{4}-4/);
    assert.notEqual(idOf({ keepsRequestId: false }, "x-request-id", "theirs"), "theirs");
    assert.equal(idOf({ keepsRequestId: true }, "x-request-id", "theirs"), "theirs");
    const inside = { keepsRequestId: false, usesRemoteAddress: false };
    assert.equal(idOf(inside, "x-request-id", "theirs"), "theirs");
    // Logs show the one that was made.
    const world = new World(subject, http({ generatesRequestId: true }));
    const { info } = world.request();
    assert.equal(
      info.request?.fields.get("x-request-id"),
      world.last.head?.fields.get("x-request-id"),
    );
  },

  "hashes are XXH64 of what is named, put together as Envoy does"({ hash, info: { RequestInfo } }) {
    // With seed 0, by the reference implementation.
    const known = { a: 0xd24ec4f1a98c6e5bn, abc: 0x44bc2cf5ad770999n };
    const world = { now: () => 0, wallMs: () => 0 } as never;
    const info = new RequestInfo({ remoteAddress: "a", remotePort: 1 } as PeerInfo, world);
    const ask = (policies: readonly HashPolicy[], path: string, ...flat: string[]) => {
      const head = { path, method: "GET", authority: "abc", fields: new Fields(flat) };
      return hash.hashRequest(policies, head as never, info).hash;
    };
    const header = (name: string, terminal = false): HashPolicy => ({
      kind: "header",
      name,
      terminal,
    });
    const query: HashPolicy = { kind: "query", name: "q", terminal: false };
    const cookie: HashPolicy = {
      kind: "cookie",
      name: "c",
      ttlMs: undefined,
      path: "",
      terminal: false,
    };
    assert.equal(ask([header("x")], "/", "x", "a"), known.a);
    // The order of a list says nothing.
    assert.equal(ask([header("x")], "/", "x", "bc", "x", "a"), known.abc);
    assert.equal(ask([header(":authority")], "/"), known.abc);
    assert.equal(ask([{ kind: "source-ip", terminal: false }], "/"), known.a);
    assert.equal(ask([query], "/?p=1&q=abc&q=a"), known.abc);
    assert.notEqual(ask([query], "/?q=%61"), known.a);
    assert.equal(ask([cookie], "/", "cookie", 'b=1; c="abc"'), known.abc);
    assert.equal(ask([cookie], "/", "cookie", "b=1; c="), undefined);
    assert.equal(ask([header("x"), cookie], "/"), undefined);
    const mask = (1n << 64n) - 1n;
    const rotated = ((known.a << 1n) & mask) | (known.a >> 63n);
    assert.equal(ask([header("x"), header(":authority")], "/", "x", "a"), rotated ^ known.abc);
    assert.equal(ask([header("x", true), header(":authority")], "/", "x", "a"), known.a);
    assert.equal(ask([header("x", true), header(":authority")], "/"), known.abc);
  },

  "a cookie is set once, and leads to the same host from then on, whatever connection it comes by"(
    subject,
  ) {
    const policies: HashPolicy[] = [
      { kind: "cookie", name: "stick", ttlMs: 90_000, path: "/app", terminal: false },
    ];
    const world = new World(subject, {
      hosts: 8,
      action: { hash: policies },
      cluster: { balancer: { kind: "maglev", tableSize: 251 } },
    });
    const first = world.request();
    world.last.respond(200, ["set-cookie", "own=1"]);
    const { host } = world.last;
    const [own, made] = first.head?.fields.all("set-cookie") ?? [];
    assert.equal(own, "own=1");
    const [, value] =
      /^stick="([\da-f]{16})"; Max-Age=90; Path=\/app; HttpOnly$/.exec(made ?? "") ?? [];
    assert.ok(value);
    for (let i = 0; i < 20; i++) {
      const peer = { remoteAddress: `198.51.100.${i}`, remotePort: i };
      const next = world.request({ fields: ["cookie", `a=b; stick=${value}`], peer });
      world.last.respond(200);
      assert.equal(world.last.host, host);
      assert.equal(next.head?.fields.has("set-cookie"), false);
    }
    world.assertSettled();
  },
};
