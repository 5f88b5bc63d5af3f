// What an admin interface must not let through, each as a program on a copy of the sources.
import assert from "node:assert/strict";
import type { AdminSubject } from "../../src/admin/admin-subject.ts";
import { makeHost } from "../../src/cluster/host.ts";
import type { LogLevel } from "../../src/observe/logger.ts";
import type { Reading } from "../../src/observe/readings.ts";
import { clusterConfig } from "../cluster/config.ts";
import { ask, type Got } from "./operated.ts";

export interface AdminModules {
  readonly server: typeof import("../../src/admin/admin-server.ts");
  readonly dump: typeof import("../../src/admin/config-dump.ts");
  readonly clusters: typeof import("../../src/admin/clusters.ts");
  /** Of the same copy: it is told apart by its class. */
  readonly fields: typeof import("../../src/codec/fields.ts");
}

interface Scene {
  readonly calls: string[];
  readonly subject: AdminSubject;
  readonly got: (path: string, method?: string, headers?: Record<string, string>) => Promise<Got>;
}

const reading = (envoy: string, value: number): Reading => {
  return { name: "sidecar_x", type: "gauge", labels: {}, envoy, value };
};

const sick = makeHost({ address: "10.0.0.1:80", port: 80, isHealthy: false, isEjected: true });
const well = makeHost({ address: "10.0.0.2:80", port: 80 });
well.numbers.requests = 10;
well.numbers.failures = 2;
well.numbers.activeRequests = 3;

function subjectOf({ clusters: { statusOf } }: AdminModules, calls: string[]): AdminSubject {
  const hosts = { size: 2, hosts: () => [sick, well] };
  const cluster = { config: clusterConfig(), hosts, outliers: undefined };
  const subject: Partial<AdminSubject> & { logLevel: LogLevel } = {
    logLevel: "info",
    state: () => "DRAINING",
    clusters: () => [statusOf({ name: "app", cluster } as never)],
    readings: async () => [reading("b.two", 0), reading("a.one", 1), reading("a.one.more", 2)],
    exposition: async () => "",
    drainListeners: (isGraceful) => void calls.push(`drain ${isGraceful}`),
    setHealth: (isHealthy) => void calls.push(`health ${isHealthy}`),
    quit: () => void calls.push("quit"),
  };
  return subject as AdminSubject;
}

async function onStage(modules: AdminModules, use: (scene: Scene) => Promise<void>) {
  const calls: string[] = [];
  const subject = subjectOf(modules, calls);
  await using admin = new modules.server.AdminServer(subject);
  const port = await admin.listen("127.0.0.1", 0);
  await use({ calls, subject, got: (...asked) => ask(port, ...asked) });
}

export const adminTraps: Readonly<Record<string, (modules: AdminModules) => Promise<void>>> = {
  "a change is asked for by POST, by no page of a browser, and in words that are known": (all) =>
    onStage(all, async ({ calls, got }) => {
      assert.equal((await got("/quitquitquit")).status, 405);
      assert.equal((await got("/quitquitquit", "POST", { origin: "null" })).status, 403);
      assert.equal((await got("/drain_listeners?gracefull", "POST")).status, 400);
      assert.equal((await got("/drain_listeners?graceful&graceful", "POST")).status, 400);
      assert.equal((await got("/drain_listeners?graceful=no", "POST")).status, 400);
      assert.deepEqual(calls, []);
    }),

  "what is asked for is done, once": (all) =>
    onStage(all, async ({ calls, subject, got }) => {
      for (const path of [
        "/drain_listeners",
        "/drain_listeners?graceful",
        "/healthcheck/fail",
        "/healthcheck/ok",
        "/logging?level=critical",
        "/quitquitquit",
      ]) {
        assert.equal((await got(path, "POST")).status, 200);
      }
      const expected = ["drain false", "drain true", "health false", "health true", "quit"];
      assert.deepEqual(calls, expected);
      assert.equal(subject.logLevel, "error");
    }),

  "who is not live is not ready": (all) =>
    onStage(all, async ({ got }) => assert.equal((await got("/ready")).status, 503)),

  "numbers stand in order, chosen by a part of the name": (all) =>
    onStage(all, async ({ got }) => {
      assert.equal((await got("/stats")).body, "a.one: 1\na.one.more: 2\nb.two: 0\n");
      assert.equal((await got("/stats?filter=one$")).body, "a.one: 1\n");
      assert.equal((await got("/stats?usedonly&filter=o")).body, "a.one: 1\na.one.more: 2\n");
      assert.equal((await got("/stats?filter=x)|(o")).status, 400);
    }),

  "a host is told as it is": (all) =>
    onStage(all, async ({ got }) => {
      const { body } = await got("/clusters");
      const flags = "app::10.0.0.1:80::health_flags::/failed_active_hc/failed_outlier_check\n";
      assert.ok(body.includes(flags));
      assert.ok(body.includes("app::10.0.0.2:80::health_flags::healthy\n"));
      assert.ok(body.includes("app::10.0.0.2:80::rq_success::5\n"));
    }),

  "what is secret is not told": async ({ dump, fields: { Fields } }) => {
    const values = {
      add: [
        { name: "Authorization", value: "s3cret" },
        { name: "x-api-key", match: { value: "s3cret" } },
        { name: "x-plain", value: "plain" },
      ],
      fields: new Fields(["cookie", "s3cret"]),
      body: Buffer.from("s3cret"),
      byName: new Map([["__proto__", 1]]),
      forever: Number.POSITIVE_INFINITY,
    };
    const text = JSON.stringify(dump.plainOf(values));
    assert.ok(!text.includes("s3cret"));
    assert.ok(text.includes('"plain"'));
    assert.ok(text.includes('{"__proto__":1}'));
    assert.ok(text.includes('"Infinity"'));
  },
};
