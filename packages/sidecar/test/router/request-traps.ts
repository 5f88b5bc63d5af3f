// What a request and its answer say on their way: fields, copies, and the one record that logs and
// metrics are made of.
import assert from "node:assert/strict";
import { Fields } from "../../src/codec/fields.ts";
import { Format } from "../../src/config/format.ts";
import type {
  HeaderEdit,
  HeaderEdits,
  RedirectAction,
  WeightedCluster,
} from "../../src/config/route-config.ts";
import { forwardRoute } from "../proxy/harness.ts";
import type { Subject } from "./subject.ts";
import { type RequestOptions, World, type WorldOptions } from "./world.ts";

type Traps = Readonly<Record<string, (subject: Subject) => void | Promise<void>>>;

const add = (name: string, text: string, how: HeaderEdit["add"][number]["how"] = "append") => {
  const value = new Format(text);
  return { remove: [], add: [{ name, value, how, keepEmpty: false }] };
};

const levels = (name: string): HeaderEdits => ({
  request: [add(name, "route"), add(name, "virtual host"), add(name, "table")],
  response: [add(name, "route"), add(name, "virtual host"), add(name, "table")],
});

const share = (headers: HeaderEdits, cluster = "backend"): WeightedCluster => {
  return { cluster, weight: 1, headers, subset: {} };
};

const none: HeaderEdits = { request: [], response: [] };

const grpc = ["content-type", "application/grpc", "te", "trailers"];

/** What upstream is sent. */
function sentBy(subject: Subject, options: WorldOptions, request: RequestOptions = {}) {
  const world = new World(subject, options);
  world.request(request);
  return world.last.head ?? assert.fail("nothing was sent");
}

export const requestTraps: Traps = {
  "edits: the cluster's of a split, the route's, the virtual host's, the table's, in this order"(
    subject,
  ) {
    const clusters = [share({ request: [add("x", "share")], response: [add("x", "share")] })];
    const world = new World(subject, { action: { clusters }, route: { headers: levels("x") } });
    const client = world.request();
    const order = ["share", "route", "virtual host", "table"];
    assert.deepEqual(world.last.head?.fields.all("x"), order);
    world.last.respond(200, ["x", "upstream"]);
    assert.deepEqual(client.head?.fields.all("x"), ["upstream", ...order]);
    // An answer from here takes the same way.
    const failing = world.request();
    world.last.break("connection-failure");
    assert.deepEqual([failing.status, failing.head?.fields.all("x")], [503, order]);
  },

  "edits reach redirects and direct responses, and can speak of the request"(subject) {
    const headers = { request: [], response: [add("x", "%REQ(:PATH)% %RESPONSE_CODE%")] };
    const redirect: RedirectAction = {
      kind: "redirect",
      scheme: "https",
      host: undefined,
      port: undefined,
      path: undefined,
      status: 308,
      stripQuery: false,
    };
    const direct = { kind: "direct", status: 418, body: new Uint8Array(), fields: new Fields() };
    for (const [action, expected] of [
      [redirect, "/tea?a=b 308"],
      [direct as never, "/tea?a=b 418"],
    ] as const) {
      const world = new World(subject, { route: { headers, action } });
      const client = world.request({ path: "/tea?a=b" });
      assert.equal(client.head?.fields.get("x"), expected);
      assert.equal(client.info.responseCodeDetails, "direct_response");
      world.assertSettled();
    }
  },

  "what is rewritten leaves a trace, and the edits see what the client wrote"(subject) {
    const head = sentBy(
      subject,
      {
        action: {
          rewrite: { kind: "prefix", value: "/v2/" },
          hostRewrite: { kind: "literal", value: "inner" },
        },
        route: { headers: { request: [add("x", "%REQ(:PATH)% %REQ(:AUTHORITY)%")], response: [] } },
      },
      { path: "/a" },
    );
    assert.deepEqual([head.path, head.authority], ["/v2/a", "inner"]);
    assert.equal(head.fields.get("x-envoy-original-path"), "/a");
    assert.equal(head.fields.get("x"), "/a a.example");
    assert.equal(sentBy(subject, {}).fields.has("x-envoy-original-path"), false);
  },

  "a rewrite that leaves dot segments behind is refused: no rule has seen where they lead"(
    subject,
  ) {
    const rewrite = { kind: "prefix", value: "/files/" } as const;
    const match = { ...forwardRoute().match, path: { kind: "prefix", value: "/static" } as const };
    const statusOf = (path: string, more: object = {}): number | string | undefined => {
      const world = new World(subject, { action: { rewrite }, route: { match }, ...more });
      const client = world.request({ path });
      return client.head?.status ?? world.attempts[0]?.head?.path;
    };
    for (const path of ["/static../admin", "/static.%2e/admin?a", "/static..", "/static./x"]) {
      assert.equal(statusOf(path), 400, path);
    }
    assert.equal(statusOf("/static.../admin"), "/files/.../admin");
    assert.equal(statusOf("/static?/../"), "/files/?/../");
    const asItIs = { normalize: false, mergeSlashes: false, escapedSlashes: "keep" };
    assert.equal(statusOf("/static../a", { http: { path: asItIs } }), "/files/../a");
  },

  "each attempt has fields of its own"(subject) {
    const seen: (string | undefined)[] = [];
    const world = new World(subject, {
      observer: {
        onEnd: () => {},
        onForward: (_info, { fields }) => {
          seen.push(fields.get("traceparent"));
          fields.set("traceparent", String(seen.length));
        },
      },
    });
    world.request();
    world.last.break("refused");
    assert.deepEqual(seen, [undefined, undefined]);
    assert.equal(world.last.head?.fields.get("traceparent"), "2");
  },

  "x-envoy-upstream-service-time runs from the request's end to the answer's head"(subject) {
    const world = new World(subject);
    const client = world.request({ method: "POST", body: undefined });
    world.clock.advance(1_000);
    client.exchange.onData(Buffer.from("all"), true);
    world.clock.advance(20);
    world.last.respond(200);
    assert.equal(client.head?.fields.get("x-envoy-upstream-service-time"), "20");
    const early = world.request({ method: "POST", body: undefined });
    world.clock.advance(20);
    world.last.respond(413);
    assert.equal(early.head?.fields.has("x-envoy-upstream-service-time"), false);
    world.assertSettled();
  },

  "a mirror gets the request under another name, and can neither hold nor fail it"(subject) {
    const mirrors = [{ cluster: "mirror", fraction: 1_000_000, keepsAuthority: false }];
    const world = new World(subject, { action: { mirrors, timeoutMs: 1_000 } });
    const client = world.request({ method: "POST", body: undefined, authority: "a.example:81" });
    const [copy, own] = world.attempts;
    assert.deepEqual(
      [copy?.head?.authority, own?.head?.authority],
      ["a.example-shadow:81", "a.example:81"],
    );
    client.exchange.onData(Buffer.from("the body"), true);
    assert.deepEqual([copy?.body, own?.body], ["the body", "the body"]);
    copy?.respond(500);
    own?.respond(200, [], false);
    own?.send("fine", true);
    assert.deepEqual([client.status, client.body], [200, "fine"]);
    world.assertSettled();

    // One that does not keep up is given up once too much waits for it.
    const large = world.request({ method: "POST", body: undefined });
    const [, , slow, quick] = world.attempts;
    slow!.isWritable = false;
    for (let i = 0; i < 5; i++) large.exchange.onData(Buffer.alloc(65_536), false);
    assert.deepEqual([slow?.bytes, slow?.isLive], [65_536, true]);
    large.exchange.onData(Buffer.alloc(65_536), true);
    assert.deepEqual([slow?.bytes, slow?.resetReason], [65_536, "cancelled"]);
    assert.deepEqual([quick?.bytes, large.isPaused], [6 * 65_536, false]);
    quick?.respond(200);
    world.assertSettled();

    // One that says nothing is, after the route's time.
    world.request();
    const [, , , , silent, ready] = world.attempts;
    ready?.respond(200);
    world.clock.advance(999);
    assert.ok(silent?.isLive);
    world.clock.advance(1);
    assert.equal(silent?.resetReason, "local");
    world.assertSettled();

    const same = [{ cluster: "mirror", fraction: 1_000_000, keepsAuthority: true }];
    const kept = new World(subject, { action: { mirrors: same } });
    kept.request();
    assert.equal(kept.attempts[0]?.head?.authority, "a.example");
    const never = [{ cluster: "mirror", fraction: 0, keepsAuthority: true }];
    const alone = new World(subject, { action: { mirrors: never } });
    alone.request();
    assert.equal(alone.attempts.length, 1);
  },

  "what the log says of each way to fail, in Envoy's letters and words"(subject) {
    const rows: [WorldOptions, (world: World) => void, number, string, string][] = [
      [{ hosts: 0 }, () => {}, 503, "UH", "no_healthy_upstream"],
      [{ action: { clusters: [share(none, "none")] } }, () => {}, 503, "NC", "cluster_not_found"],
      [
        { route: { match: { ...forwardRoute().match, path: { kind: "exact", value: "/else" } } } },
        () => {},
        404,
        "NR",
        "route_not_found",
      ],
      [
        { breakers: { requestsMax: 0 } },
        () => {},
        503,
        "UO",
        "upstream_reset_before_response_started{overflow}",
      ],
      [
        {},
        ({ last }) => last.break("protocol-error"),
        502,
        "UPE",
        "upstream_reset_before_response_started{protocol_error}",
      ],
      [
        {},
        ({ last }) => last.break("cancelled"),
        503,
        "UR",
        "upstream_reset_before_response_started{remote_reset}",
      ],
      [
        {},
        ({ last }) => last.break("connection-failure"),
        503,
        "UC",
        "upstream_reset_before_response_started{connection_termination}",
      ],
      [
        {},
        ({ last }) => {
          last.respond(200, [], false);
          last.break("connection-termination");
        },
        200,
        "UC",
        "upstream_reset_after_response_started{connection_termination}",
      ],
      [
        { action: { timeoutMs: 10 } },
        ({ clock }) => clock.advance(10),
        504,
        "UT",
        "response_timeout",
      ],
      [
        { action: { idleTimeoutMs: 10 } },
        ({ clock }) => clock.advance(10),
        504,
        "SI",
        "stream_idle_timeout",
      ],
    ];
    for (const [options, then, status, flags, details] of rows) {
      const world = new World(subject, options);
      const client = world.request();
      then(world);
      const { info } = client;
      assert.deepEqual(
        [client.status, info.responseFlags, info.responseCodeDetails],
        [status, flags, details],
      );
      assert.equal(client.resetReason !== undefined, status === 200);
      world.assertSettled();
    }
  },

  "a gRPC call is told of a failure in its own language"(subject) {
    const world = new World(subject, { action: { timeoutMs: 10 } });
    const client = world.request({ method: "POST", fields: grpc, body: "m", protocol: "h2" });
    world.clock.advance(10);
    assert.deepEqual([client.status, client.head?.fields.get("grpc-status")], [200, "4"]);
    world.assertSettled();
  },
};
