// What each filter does for a client of either protocol, between real sockets.
import { createServer as createHttp } from "node:http";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Fields } from "../../src/codec/fields.ts";
import type { RouteConfig } from "../../src/config/route-config.ts";
import { forwardRoute, listenOn } from "../proxy/harness.ts";
import { makeClient, startUpstream } from "../proxy/peers.ts";
import { noise } from "./harness.ts";
import { faultConfig, rateLimitConfig } from "./limit-traps.ts";
import {
  ALL,
  compressor,
  cors,
  countOf,
  denyAdmin,
  send,
  startFiltered,
  versions,
} from "./proxy-harness.ts";

describe.each(versions)("a client of %s", (version) => {
  test("who may not is told 403, and upstream does not hear of it", async () => {
    await using proxy = await startFiltered([denyAdmin]);
    const got = await send(version, proxy.port, { path: "/public/%2e%2e/admin?x=1" });
    expect([got.status, String(got.body)]).toEqual([403, "RBAC: access denied\n"]);
    expect(proxy.infos[0]?.responseCodeDetails).toBe("rbac_access_denied_matched_policy[admin]");
    expect((await send(version, proxy.port, { path: "/public" })).status).toBe(200);
    expect(proxy.seen).toEqual(["/public"]);
  });

  test("who finds no token is told 429 and when to come back", async () => {
    await using proxy = await startFiltered([rateLimitConfig({ tokensMax: 1 })]);
    expect((await send(version, proxy.port, {})).status).toBe(200);
    const got = await send(version, proxy.port, {});
    expect(got.status).toBe(429);
    expect(got.headers).toMatchObject({ "x-envoy-ratelimited": "true", "retry-after": "1" });
    expect(proxy.infos.map(({ responseFlags }) => responseFlags)).toEqual(["", "RL"]);
    expect(proxy.filters.get("limit")?.numbers).toMatchObject({ ok: 1, enforced: 1 });
  });

  test("a preflight is answered by the proxy, and a request marked", async () => {
    await using proxy = await startFiltered([cors]);
    const origin = "https://one.a.example";
    const asked = { origin, "access-control-request-method": "GET" };
    const answer = await send(version, proxy.port, { method: "OPTIONS", headers: asked });
    expect([answer.status, answer.body.length]).toEqual([200, 0]);
    expect(answer.headers["access-control-allow-origin"]).toBe(origin);
    expect(proxy.seen).toEqual([]);
    const got = await send(version, proxy.port, { headers: { origin } });
    expect(got.headers).toMatchObject({ "access-control-allow-origin": origin, vary: "origin" });
  });

  test("a body is compressed for whoever takes it, and as it is for others", async () => {
    await using proxy = await startFiltered([compressor]);
    const headers = { "accept-encoding": "gzip" };
    const got = await send(version, proxy.port, { headers });
    expect(got.headers).toMatchObject({ "content-encoding": "gzip", etag: 'W/"1"' });
    expect(got.headers["content-length"]).toBeUndefined();
    expect(String(gunzipSync(got.body))).toBe("x".repeat(5_000));
    const plain = await send(version, proxy.port, {});
    expect(plain.headers).toMatchObject({ vary: "accept-encoding", etag: '"1"' });
    expect(String(plain.body)).toBe("x".repeat(5_000));
    const head = await send(version, proxy.port, { method: "HEAD", headers });
    expect(head.headers["content-encoding"]).toBeUndefined();
    expect(proxy.filters.get("compressor")?.numbers).toMatchObject({ compressed: 1, active: 0 });
    expect(proxy.infos[0]?.bytesSent).toBe(got.body.length);
  });

  test("a large body is compressed whole, through all that waits on the way", async () => {
    await using proxy = await startFiltered([compressor]);
    const body = noise(3_000_000);
    const headers = { "accept-encoding": "gzip" };
    const got = await send(version, proxy.port, { method: "POST", body, headers });
    expect(gunzipSync(got.body).equals(body)).toBe(true);
  });

  test("trailers come behind the compressed body", async () => {
    await using upstream = await startUpstream("h2", () => ({
      status: 200,
      headers: { "content-type": "text/plain" },
      body: "x".repeat(5_000),
      trailers: { "x-sum": "7" },
    }));
    await using proxy = await startFiltered([compressor], {
      upstreamPorts: [upstream.port],
      cluster: { protocol: "http2" },
    });
    const headers = { "accept-encoding": "gzip", te: "trailers" };
    const got = await send(version, proxy.port, { headers });
    expect(String(gunzipSync(got.body))).toBe("x".repeat(5_000));
    expect(got.trailers["x-sum"]).toBe("7");
  });

  test("a body that breaks off upstream breaks off for the client, and nothing is held", async () => {
    const upstream = createHttp((_request, response) => {
      response.writeHead(200, { "content-type": "text/plain", "content-length": "10000" });
      response.write("x".repeat(5_000), () => response.destroy());
    });
    const upstreamPorts = [await listenOn(upstream)];
    await using proxy = await startFiltered([compressor], { upstreamPorts });
    await expect(
      send(version, proxy.port, { headers: { "accept-encoding": "gzip" } }),
    ).rejects.toThrow();
    expect(countOf(proxy, "compressor", "active")).toBe(0);
    upstream.close();
  });

  test("an answer of the proxy passes the filters as well", async () => {
    const fields = new Fields(["content-type", "text/plain"]);
    const body = Buffer.from("y".repeat(99));
    const route: RouteConfig = {
      ...forwardRoute(),
      action: { kind: "direct", status: 200, body, fields },
    };
    const virtualHosts = [{ name: "all", domains: ["*"], requiresTls: false, routes: [route] }];
    await using proxy = await startFiltered([cors, compressor], { http: { virtualHosts } });
    const headers = { "accept-encoding": "gzip", origin: "https://b.a.example" };
    const got = await send(version, proxy.port, { headers });
    expect(String(gunzipSync(got.body))).toBe("y".repeat(99));
    expect(got.headers["access-control-allow-origin"]).toBe("https://b.a.example");
  });

  test("an abort is answered in the place of upstream", async () => {
    const abort = { status: 503, grpcStatus: undefined, fraction: ALL };
    await using proxy = await startFiltered([faultConfig({ abort })]);
    const got = await send(version, proxy.port, {});
    expect([got.status, String(got.body)]).toEqual([503, "fault filter abort\n"]);
    expect(proxy.infos[0]).toMatchObject({
      responseFlags: "FI",
      responseCodeDetails: "fault_filter_abort",
    });
    expect(countOf(proxy, "fault", "activeFaults")).toBe(0);
  });

  test("a body is waited for, up to its limit", async () => {
    const buffer = { kind: "buffer", name: "buffer", requestBytesMax: 100_000 } as const;
    await using proxy = await startFiltered([buffer]);
    const body = Buffer.alloc(100_000, "z");
    const got = await send(version, proxy.port, { method: "POST", body });
    expect(got.body.equals(body)).toBe(true);
    const large = Buffer.alloc(100_001, "z");
    const headers = { "content-length": "100001" };
    using client = makeClient(version, proxy.port);
    const refused = await client.send({ method: "POST", body: large, headers });
    expect(refused.status).toBe(413);
    expect(proxy.seen).toHaveLength(1);
  });
});
