// What a document must become, as sentences. They are run on the sources, and on copies of them
// with planted bugs, so they take what they look at as an argument.
import assert from "node:assert/strict";
import type * as Compile from "../../src/config/compile.ts";
import type * as Errors from "../../src/config/config-error.ts";
import type { HttpConfig } from "../../src/config/listener-config.ts";
import type { ForwardAction, RouteConfig } from "../../src/config/route-config.ts";
import type { Snapshot } from "../../src/config/snapshot.ts";
import { documents, edgeDocument, sidecarDocument, tcpDocument } from "./documents.ts";
import { grpcDocument } from "./grpc-document.ts";

/** The modules under test. */
export type ConfigSubject = Pick<typeof Compile, "compile" | "compileText"> &
  Pick<typeof Errors, "SidecarConfigError">;

/** The HTTP connection manager of a listener's chain. */
export function httpOf(snapshot: Snapshot, listener: string, chain = 0): HttpConfig {
  const { filter } = snapshot.listeners.get(listener)!.filterChains[chain]!;
  assert.equal(filter.kind, "http");
  return filter as HttpConfig;
}

const routesOf = (http: HttpConfig): readonly RouteConfig[] => http.virtualHosts[0]!.routes;
const forward = (route: RouteConfig | undefined): ForwardAction => route?.action as ForwardAction;

/** Each must hold. */
export const configTraps: Readonly<Record<string, (subject: ConfigSubject) => void>> = {
  "every example compiles": ({ compileText }) => {
    for (const text of Object.values(documents)) compileText(text);
  },

  "a snapshot's version is that of what it means: names in either spelling, keys in any order, defaults written out":
    ({ compileText }) => {
      const { version } = compileText(tcpDocument);
      const camel = tcpDocument.replace("load_balancing_weight", "loadBalancingWeight");
      const spelled = camel.replace("static_resources:", "staticResources:");
      assert.equal(compileText(spelled).version, version);
      const hosts = "- { name: replica, load_assignment: *hosts }";
      const turned = "- { load_assignment: *hosts, lb_policy: ROUND_ROBIN, name: replica }";
      assert.equal(compileText(tcpDocument.replace(hosts, turned)).version, version);
    },

  "a snapshot's version is the same for fields of the access log in another order": ({
    compileText,
  }) => {
    const [code, flags] = ['code: "%RESPONSE_CODE%"', 'flags: "%RESPONSE_FLAGS%"'];
    const turned = sidecarDocument.replace(code, "_").replace(flags, code);
    const text = turned.replace(/^( +)_$/m, `$1${flags}`);
    assert.notEqual(text, sidecarDocument);
    assert.equal(compileText(text).version, compileText(sidecarDocument).version);
  },

  "a snapshot's version changes with what means something": ({ compileText }) => {
    const versions = new Set(
      [
        ["", ""],
        ["timeout: 2.5s", "timeout: 2.6s"],
        ["weight: 95", "weight: 94"],
        ["path: /healthz", "path: /health"],
        ["consecutive_5xx: 3", "consecutive_5xx: 4"],
        ['"%RESPONSE_CODE%"', '"%RESPONSE_FLAGS%"'],
        ["prefix: /orders", "prefix: /order"],
      ].map(([from = "", to = ""]) => compileText(sidecarDocument.replace(from, to)).version),
    );
    assert.equal(versions.size, 7);
  },

  "a virtual host's retry policy is handed down to routes without one": ({ compileText }) => {
    const routes = routesOf(httpOf(compileText(sidecarDocument), "inbound"));
    for (const route of routes) {
      const { retry } = forward(route);
      assert.deepEqual(
        [...(retry?.on ?? [])],
        ["connect-failure", "refused-stream", "gateway-error"],
      );
      assert.equal(retry?.retries, 2);
      assert.deepEqual(retry?.backoff, { baseMs: 25, maxMs: 250 });
    }
  },

  "edits of headers go from the innermost level to the outermost": ({ compileText }) => {
    const level = "request_headers_to_remove";
    const text = sidecarDocument
      .replace('domains: ["*"]', `domains: ["*"]\n              ${level}: [x-host]`)
      .replace("name: local", `name: local\n            ${level}: [x-table]`);
    const [, route] = routesOf(httpOf(compileText(text), "inbound"));
    const { request } = route!.headers;
    assert.deepEqual(
      request.map(({ remove, add }) => [...remove, ...add.map((one) => one.name)]),
      [["x-client"], ["x-host"], ["x-table"]],
    );
  },

  "Envoy's defaults hold where a document says nothing": ({ compileText }) => {
    const snapshot = compileText(sidecarDocument);
    const service = snapshot.clusters.get("service")!;
    const outliers = service.outliers!;
    assert.equal(outliers.successRateStdevFactor, 1900);
    assert.equal(outliers.ejectionPercentMax, 10);
    assert.equal(outliers.enforcingFailurePercentage, 0);
    assert.equal(outliers.ejectionTimeMsMax, 300_000);
    assert.equal(service.panicThreshold, 50);
    assert.equal(service.overprovisioningFactor, 140);
    assert.equal(service.breakers.default.connectionsMax, 100);
    assert.equal(service.breakers.default.requestsMax, 1024);
    assert.equal(service.breakers.high.connectionsMax, 1024);
    assert.deepEqual(service.breakers.default.retryBudget, { percent: 20, retriesMin: 3 });
    assert.deepEqual(service.balancer, { kind: "least-request", choices: 2, activeBias: 1 });
    assert.equal(service.connectTimeoutMs, 250);
    assert.equal(snapshot.clusters.get("canary")!.connectTimeoutMs, 5_000);
    const http = httpOf(snapshot, "inbound");
    assert.equal(forward(routesOf(http)[1]).timeoutMs, 15_000);
    assert.equal(http.timers.streamIdleTimeoutMs, 300_000);
    assert.equal(http.limits.headersBytesMax, 61_440);
    assert.equal(http.path.normalize, true);
  },

  "the larger of 300 s and base_ejection_time bounds an ejection": ({ compileText }) => {
    const text = sidecarDocument.replace("base_ejection_time: 10s", "base_ejection_time: 400s");
    const { outliers } = compileText(text).clusters.get("service")!;
    assert.equal(outliers!.ejectionTimeMsMax, 400_000);
  },

  "a fraction is of a million": ({ compileText }) => {
    const http = httpOf(compileText(edgeDocument), "https");
    const fault = http.filters.find((one) => one.kind === "fault");
    assert.deepEqual(fault?.delay, { ms: 200, fraction: 500 });
    assert.deepEqual(fault?.abort, { status: 503, grpcStatus: undefined, fraction: 10_000 });
    const limit = http.filters.find((one) => one.kind === "local-ratelimit");
    assert.equal(limit?.enforced, 500_000);
  },

  "a filter is set or switched off for a route; a virtual host's setting holds beside it": ({
    compileText,
  }) => {
    const http = httpOf(compileText(edgeDocument), "https");
    const route = routesOf(http)[2]!;
    assert.equal(route.filters.get("buffer"), false);
    assert.equal(route.filters.get("gzip"), false);
    const cors = route.filters.get("cors");
    assert.ok(cors !== false && cors?.kind === "cors");
    assert.equal(cors.methods, "GET, POST");
    assert.equal(http.filters.length, 7);
  },

  "a route's setting wins over its virtual host's": ({ compileText }) => {
    const off = '{ "@type": a/envoy.config.route.v3.FilterConfig, disabled: true }';
    const route = "                  buffer:\n";
    const text = edgeDocument.replace(route, `                  cors: ${off}\n${route}`);
    assert.equal(routesOf(httpOf(compileText(text), "https"))[2]!.filters.get("cors"), false);
  },

  "the chain that matches everything stands beside those by server name": ({ compileText }) => {
    const { filterChains } = compileText(edgeDocument).listeners.get("https")!;
    assert.deepEqual(
      filterChains.map((chain) => chain.match.serverNames),
      [["shop.example", "*.shop.example"], []],
    );
    assert.equal(filterChains[0]!.connectionsMax, 1000);
    assert.equal(filterChains[0]!.tls?.requireClientCertificate, true);
    assert.equal(filterChains[0]!.tls?.minVersion, "TLSv1.3");
  },

  "a document in JSON has HTTP/2 both ways, deadlines, hedging, peak-EWMA and a subset": ({
    compileText,
  }) => {
    const snapshot = compileText(grpcDocument);
    const greeter = snapshot.clusters.get("greeter")!;
    assert.equal(greeter.protocol, "http2");
    assert.equal(greeter.idleTimeoutMs, 60_000);
    assert.deepEqual(greeter.balancer, { kind: "peak-ewma", decayMs: 5_000 });
    assert.deepEqual(greeter.endpoints[0]!.endpoints[0]!.metadata, { version: "2" });
    const [route] = routesOf(httpOf(snapshot, "grpc"));
    const action = forward(route);
    assert.equal(route!.match.grpcOnly, true);
    assert.equal(action.timeoutMs, 0);
    assert.equal(action.grpcTimeoutMsMax, 30_000);
    assert.deepEqual(action.subset, { version: "2" });
    assert.deepEqual(action.clusters[0]!.subset, { version: "2" });
    assert.deepEqual(action.hedge, { onPerTryTimeout: true, initialRequests: 1 });
    assert.deepEqual(action.retry?.backoff, { baseMs: 10, maxMs: 100 });
  },

  "bytes of a TCP check are hexadecimal as text, base64 as binary": ({ compileText }) => {
    const snapshot = compileText(tcpDocument);
    const { check, intervalJitterMs } = snapshot.clusters.get("primary")!.healthChecks[0]!;
    assert.ok(check.kind === "tcp");
    assert.equal(Buffer.from(check.send).toString(), "PING");
    assert.equal(Buffer.from(check.receive).toString(), "PONG");
    assert.equal(intervalJitterMs, 200);
    const { filter } = snapshot.listeners.get("database")!.filterChains[0]!;
    assert.ok(filter.kind === "tcp");
    assert.equal(filter.bufferBytesMax, 32_768);
    assert.deepEqual(
      filter.clusters.map(({ cluster, weight }) => [cluster, weight]),
      [
        ["primary", 9],
        ["replica", 1],
      ],
    );
  },

  "a route behind one that takes it all is told of": ({ compileText }) => {
    const notes: string[] = [];
    const behind =
      "match: { prefix: /orders, headers: [{ name: X-Tenant, string_match: { prefix: a } }] }";
    const text = sidecarDocument.replace(behind, "match: { prefix: / }");
    compileText(text, ({ path, message }) => notes.push(`${path} ${message}`));
    assert.equal(notes.length, 1);
    assert.match(notes[0]!, /virtual_hosts\[0\]\.routes\[1\] is never reached: routes\[0\]/);
  },

  "all faults of a document are told at once": (subject) => {
    const text = sidecarDocument
      .replace("timeout: 2.5s", "timeout: 2500")
      .replace("name: canary, weight: 5", "name: canary, weight: -5")
      .replace("LEAST_REQUEST", "LEAST_REQUESTS")
      .replace("healthy_threshold: 2", "healthy_treshold: 2");
    const { problems } = refusal(subject, text);
    assert.deepEqual(problems.map(({ path }) => path.split(".").slice(-2).join(".")).sort(), [
      "clusters[0].health_checks[0]",
      "clusters[0].lb_policy",
      "clusters[1].weight",
      "health_checks[0].healthy_treshold",
      "route.timeout",
    ]);
  },

  "a reference to a cluster that is not there is refused where it stands": (subject) => {
    const { problems } = refusal(
      subject,
      sidecarDocument.replace("name: canary, weight", "name: canari, weight"),
    );
    assert.equal(problems.length, 1);
    assert.match(problems[0]!.path, /weighted_clusters\.clusters\[1\]\.name$/);
    assert.match(problems[0]!.message, /no cluster "canari"/);
    assert.match(problems[0]!.next, /service, canary/);
  },

  "at most a hundred faults are listed, and the others counted": ({
    compile,
    SidecarConfigError,
  }) => {
    const clusters = Array.from({ length: 150 }, () => ({ name: 5, load_assignment: {} }));
    assert.throws(
      () => compile({ static_resources: { clusters } }),
      (error) =>
        error instanceof SidecarConfigError &&
        error.problems.length === 100 &&
        error.unlisted === 50,
    );
  },
};

/** The error with which a text is refused. */
export function refusal(
  { compileText, SidecarConfigError }: ConfigSubject,
  text: string,
): Errors.SidecarConfigError {
  try {
    compileText(text);
  } catch (error) {
    assert.ok(error instanceof SidecarConfigError, String(error));
    return error;
  }
  return assert.fail("it was taken");
}
