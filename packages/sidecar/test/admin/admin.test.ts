// The admin interface, over real sockets, in front of a proxy that works.

import { createServer } from "node:net";
import { assertPromtoolClean, promtool, requireOrSkip } from "@compendium/metrics/testing";
import { ManualClock } from "@compendium/runtime";
import { describe, expect, test } from "vitest";
import { Fields } from "../../src/codec/fields.ts";
import { Format } from "../../src/config/format.ts";
import { Sidecar } from "../../src/sidecar.ts";
import { clusterConfig, endpoint, locality } from "../cluster/config.ts";
import { forwardRoute, listenOn } from "../proxy/harness.ts";
import { startUpstream } from "../proxy/peers.ts";
import { ask, operate, operatedSnapshot } from "./operated.ts";

const upstream = () => startUpstream("h1", ({ path }) => ({ status: path === "/bad" ? 500 : 200 }));

const code = (body: string): string => (JSON.parse(body) as { code: string }).code;

test("/ready is 503 until the clusters are warm, 200 then, and 503 while draining", async () => {
  await using sidecar = new Sidecar({
    resolver: { resolve: () => new Promise(() => {}) },
    clock: new ManualClock(),
  });
  const snapshot = operatedSnapshot({
    upstreamPorts: [],
    cluster: { discovery: "strict-dns", endpoints: [locality([endpoint("slow.example")])] },
  });
  const applied = sidecar.apply(snapshot);
  while (sidecar.adminPort === undefined) await new Promise((resolve) => setImmediate(resolve));
  expect(await ask(sidecar.adminPort, "/ready")).toMatchObject({
    status: 503,
    body: "PRE_INITIALIZING\n",
  });
  expect(await ask(sidecar.adminPort, "/config_dump")).toMatchObject({ status: 200, body: "{}\n" });
  sidecar.drain();
  await applied;
  expect(await ask(sidecar.adminPort, "/ready")).toMatchObject({ status: 503, body: "DRAINING\n" });
});

test("health that was said to fail fails until it is said to be well", async () => {
  await using app = await upstream();
  await using proxy = await operate({ upstreamPorts: [app.port] });
  expect(await proxy.ask("/ready")).toMatchObject({ status: 200, body: "LIVE\n" });
  expect((await proxy.ask("/healthcheck/fail", "POST")).body).toBe("OK\n");
  expect(await proxy.ask("/ready")).toMatchObject({ status: 503, body: "DRAINING\n" });
  expect((await proxy.send("/")).status).toBe(200);
  await proxy.ask("/healthcheck/ok", "POST");
  expect((await proxy.ask("/ready")).status).toBe(200);
});

describe("what is refused", () => {
  test.each([
    ["GET", "/quitquitquit", 405, "WRONG_METHOD"],
    ["GET", "/drain_listeners", 405, "WRONG_METHOD"],
    ["GET", "/logging?level=debug", 405, "WRONG_METHOD"],
    ["GET", "/healthcheck/fail", 405, "WRONG_METHOD"],
    ["DELETE", "/stats", 405, "WRONG_METHOD"],
    ["GET", "/stats/", 404, "UNKNOWN_ENDPOINT"],
    ["GET", "/constructor", 404, "UNKNOWN_ENDPOINT"],
    ["GET", "/stats?filter=(", 400, "BAD_VALUE"],
    ["GET", "/stats?filter=a)|(b", 400, "BAD_VALUE"],
    ["GET", "/stats?usedonly=yes", 400, "BAD_VALUE"],
    ["GET", "/stats?format=xml", 400, "BAD_VALUE"],
    ["GET", "/stats?format=prometheus&filter=x", 400, "BAD_VALUE"],
    ["GET", "/stats?__proto__=1", 400, "UNKNOWN_PARAMETER"],
    ["GET", "/stats?filter=a&filter=b", 400, "REPEATED_PARAMETER"],
    ["POST", "/drain_listeners?gracefully", 400, "UNKNOWN_PARAMETER"],
    ["POST", "/logging?level=loud", 400, "BAD_VALUE"],
  ])("%s %s is %i %s", async (method, path, status, expected) => {
    await using proxy = await operate({ upstreamPorts: [] });
    const got = await proxy.ask(path, method);
    expect([got.status, code(got.body)]).toEqual([status, expected]);
    if (status === 405) expect(got.headers.allow).toMatch(/^(POST|GET, HEAD)$/);
    expect(proxy.sidecar.state).toBe("LIVE");
    expect(proxy.sidecar.logger.level).toBe("info");
  });

  test("a change that a page of a browser asks for", async () => {
    await using proxy = await operate({ upstreamPorts: [] });
    const got = await proxy.ask("/drain_listeners", "POST", { origin: "http://evil.example" });
    expect([got.status, code(got.body)]).toEqual([403, "FOREIGN_ORIGIN"]);
    expect(proxy.sidecar.state).toBe("LIVE");
  });
});

test("/stats has Envoy's names, filtered, used ones, as text and as JSON", async () => {
  await using app = await upstream();
  await using proxy = await operate({ upstreamPorts: [app.port] });
  for (const path of ["/", "/", "/bad"]) await proxy.send(path);
  const lines = async (query: string) => (await proxy.ask(`/stats${query}`)).body.split("\n");
  const all = await lines("");
  expect(all).toContain("http.in.downstream_rq_2xx: 2");
  expect(all).toContain("http.in.downstream_rq_5xx: 1");
  expect(all).toContain("cluster.backend.upstream_rq_2xx: 2");
  expect(all).toContain("cluster.backend.upstream_rq_retry: 0");
  expect(all).toContain("cluster.backend.membership_healthy: 1");
  expect(all).toContain("listener.in.downstream_cx_total: 3");
  expect(all).toContain("server.live: 1");
  const names = all.map((line) => line.split(": ")[0]).slice(0, -1);
  expect(names.toSorted()).toEqual(names);
  expect(await lines("?filter=downstream_rq_[25]xx$&usedonly")).toEqual([
    "http.in.downstream_rq_2xx: 2",
    "http.in.downstream_rq_5xx: 1",
    "",
  ]);
  expect((await lines("?usedonly")).filter((line) => / 0$|No recorded/.test(line))).toEqual([]);
  const { stats } = JSON.parse((await proxy.ask("/stats?format=json&filter=rq_5xx")).body);
  expect(stats).toContainEqual({ name: "http.in.downstream_rq_5xx", value: 1 });
});

test("/stats/prometheus is text that Prometheus takes, /stats?format=prometheus the same", async (context) => {
  await using app = await upstream();
  await using proxy = await operate({ upstreamPorts: [app.port] });
  await proxy.send("/");
  const got = await proxy.ask("/stats/prometheus");
  expect(got.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(got.body).toContain('sidecar_requests_total{listener="in",class="2xx"} 1\n');
  expect(got.body).toContain('sidecar_request_seconds_bucket{le="+Inf",listener="in"} 1\n');
  expect(got.body).toContain("nodejs_eventloop");
  const again = await proxy.ask("/stats?format=prometheus");
  expect(again.headers["content-type"]).toBe(got.headers["content-type"]);
  requireOrSkip(context, promtool());
  assertPromtoolClean(got.body);
});

test("names follow the configuration, and what stays goes on counting", async () => {
  await using app = await upstream();
  const options = { upstreamPorts: [app.port] };
  await using proxy = await operate(options);
  await proxy.send("/");
  const other = clusterConfig({ name: "other" });
  const before = operatedSnapshot(options);
  await proxy.sidecar.apply({
    ...before,
    clusters: new Map([...before.clusters, ["other", other]]),
  });
  await proxy.send("/");
  const { body } = await proxy.ask("/stats/prometheus");
  expect(body).toContain('sidecar_hosts{cluster="other"} 0\n');
  expect(body).toContain('sidecar_requests_total{listener="in",class="2xx"} 2\n');
  expect(body).toContain('sidecar_configurations_total{outcome="success"} 2\n');
});

test("/clusters tells Envoy's lines of each host, and the same in JSON", async () => {
  await using app = await upstream();
  await using proxy = await operate({ upstreamPorts: [app.port] });
  await proxy.send("/");
  await proxy.send("/bad");
  const host = `127.0.0.1:${app.port}`;
  proxy.sidecar.plane.clusterOf("backend")!.cluster.hosts.get(host)!.isEjected = true;
  const lines = (await proxy.ask("/clusters")).body.split("\n");
  expect(lines).toContain("backend::default_priority::max_requests::1024");
  expect(lines).toContain("backend::high_priority::max_retries::3");
  expect(lines).toContain(`backend::${host}::rq_total::2`);
  expect(lines).toContain(`backend::${host}::rq_error::1`);
  expect(lines).toContain(`backend::${host}::rq_success::1`);
  expect(lines).toContain(`backend::${host}::health_flags::/failed_outlier_check`);
  const { cluster_statuses: statuses } = JSON.parse(
    (await proxy.ask("/clusters?format=json")).body,
  );
  expect(statuses[0]).toMatchObject({
    name: "backend",
    host_statuses: [
      {
        address: { socket_address: { address: "127.0.0.1", port_value: app.port } },
        health_status: { failed_outlier_check: true },
      },
    ],
  });
  expect(statuses[0].host_statuses[0].stats).toContainEqual({
    name: "rq_total",
    value: "2",
    type: "COUNTER",
  });
});

test("/config_dump is the snapshot without what is secret", async () => {
  const edit = (name: string) => ({
    name,
    value: new Format("s3cret"),
    how: "append" as const,
    keepEmpty: false,
  });
  const route = {
    ...forwardRoute(),
    headers: {
      request: [{ remove: [], add: ["authorization", "x-api-key", "x-plain"].map(edit) }],
      response: [],
    },
  };
  const direct = {
    ...forwardRoute(),
    action: {
      kind: "direct" as const,
      status: 200,
      body: Buffer.from("hello"),
      fields: new Fields(["set-cookie", "s3cret", "x-plain", "plain"]),
    },
  };
  await using proxy = await operate({
    upstreamPorts: [1],
    http: {
      virtualHosts: [
        { name: "__proto__", domains: ["*"], requiresTls: false, routes: [route, direct] },
      ],
    },
  });
  const { body } = await proxy.ask("/config_dump");
  const dump = JSON.parse(body);
  expect(dump.version).toBe("test");
  const [chain] = dump.listeners.in.filterChains;
  const [forward, answer] = chain.filter.virtualHosts[0].routes;
  expect(forward.headers.request[0].add.map((one: { value: string }) => one.value)).toEqual([
    "[redacted]",
    "[redacted]",
    "s3cret",
  ]);
  expect(answer.action.fields).toEqual([
    { name: "set-cookie", value: "[redacted]" },
    { name: "x-plain", value: "plain" },
  ]);
  expect(answer.action.body).toEqual({ bytes: 5 });
  expect(dump.clusters.backend.breakers.default.requestsMax).toBe(1024);
});

test("/listeners, /server_info and /help say where, who and what", async () => {
  await using proxy = await operate(
    { upstreamPorts: [] },
    { version: "1.2.3", flags: { "drain-time-s": 600 } },
  );
  const port = proxy.sidecar.plane.portOf("in");
  expect((await proxy.ask("/listeners")).body).toBe(`in::127.0.0.1:${port}\n`);
  expect(JSON.parse((await proxy.ask("/listeners?format=json")).body)).toEqual({
    listener_statuses: [
      {
        name: "in",
        local_address: { socket_address: { address: "127.0.0.1", port_value: port } },
      },
    ],
  });
  expect(JSON.parse((await proxy.ask("/server_info")).body)).toMatchObject({
    version: "1.2.3",
    state: "LIVE",
    configuration_version: "test",
    command_line_options: { "drain-time-s": 600 },
  });
  const help = await proxy.ask("/help");
  expect((await proxy.ask("/")).body).toBe(help.body);
  for (const path of ["/drain_listeners (POST)", "/stats/prometheus", "/config_dump", "/ready"]) {
    expect(help.body).toContain(`  ${path}: `);
  }
});

test("/logging tells the level, and sets it by Envoy's words", async () => {
  await using proxy = await operate({ upstreamPorts: [] });
  expect((await proxy.ask("/logging", "POST")).body).toContain("sidecar: info");
  expect((await proxy.ask("/logging?level=trace", "POST")).body).toContain("sidecar: debug");
  expect(proxy.sidecar.logger.level).toBe("debug");
});

test("/drain_listeners closes the ports, and the admin interface goes on", async () => {
  await using app = await upstream();
  await using proxy = await operate({ upstreamPorts: [app.port] });
  await proxy.ask("/drain_listeners", "POST");
  await expect(proxy.send("/")).rejects.toThrow("ECONNREFUSED");
  expect((await proxy.ask("/ready")).body).toBe("DRAINING\n");
});

test("a graceful drain serves on, says that it drains, and closes the ports after its time", async () => {
  await using app = await upstream();
  const clock = new ManualClock();
  await using proxy = await operate(
    { upstreamPorts: [app.port], clock },
    { clock, drainMs: 5_000 },
  );
  await proxy.ask("/drain_listeners?graceful", "POST");
  await proxy.ask("/drain_listeners?graceful", "POST");
  expect((await proxy.ask("/ready")).body).toBe("DRAINING\n");
  await clock.advanceAsync(4_999);
  expect((await proxy.send("/")).status).toBe(200);
  await clock.advanceAsync(1);
  await expect(proxy.send("/")).rejects.toThrow("ECONNREFUSED");
});

test("/quitquitquit tells whoever runs it", async () => {
  let quits = 0;
  await using proxy = await operate({ upstreamPorts: [] }, { onQuit: () => quits++ });
  await proxy.ask("/quitquitquit", "POST");
  expect(quits).toBe(1);
});

test("another address in the configuration moves the admin interface, none takes it away", async () => {
  await using proxy = await operate({ upstreamPorts: [] });
  const before = operatedSnapshot({ upstreamPorts: [] });
  const first = proxy.sidecar.adminPort!;
  await proxy.sidecar.apply({ ...before, admin: { address: "127.0.0.2", port: 0 } });
  await expect(ask(first, "/ready")).rejects.toThrow("ECONNREFUSED");
  await proxy.sidecar.apply({ ...before, admin: undefined });
  expect(proxy.sidecar.adminPort).toBeUndefined();
});

test("a configuration that is refused leaves the admin interface where it was", async () => {
  await using proxy = await operate({ upstreamPorts: [] });
  const port = proxy.sidecar.adminPort!;
  const taken = createServer();
  const takenPort = await listenOn(taken);
  const broken = operatedSnapshot({ upstreamPorts: [], listener: { port: takenPort } });
  const moved = { ...broken, admin: { address: "127.0.0.2", port: 0 } };
  await expect(proxy.sidecar.apply(moved)).rejects.toThrow("EADDRINUSE");
  expect(proxy.sidecar.adminPort).toBe(port);
  const { body } = await proxy.ask("/stats?filter=update_rejected");
  expect(body).toBe("listener_manager.lds.update_rejected: 1\n");
  const occupied = { ...moved, admin: { address: "127.0.0.1", port: takenPort } };
  await expect(proxy.sidecar.apply(occupied)).rejects.toThrow("EADDRINUSE");
  expect(proxy.sidecar.adminPort).toBe(port);
  taken.close();
});
