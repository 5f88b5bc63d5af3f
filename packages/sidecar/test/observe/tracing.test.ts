// Spans of requests that go through a real proxy, as an SDK exports them, and as a collector gets
// them.
import { createServer } from "node:http";
import { trace } from "@opentelemetry/api";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  InMemorySpanExporter,
  ParentBasedSampler,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { expect, test } from "vitest";
import { startOtlp } from "../../src/observe/otlp.ts";
import type { RequestObserver } from "../../src/router/observer.ts";
import { Sidecar } from "../../src/sidecar.ts";
import { traceRequests } from "../../src/tracing.ts";
import { listenOn, type ProxyOptions, snapshotOf } from "../proxy/harness.ts";
import { makeClient, type SeenRequest, startUpstream } from "../proxy/peers.ts";
import { policy } from "../router/world.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

function recorder(root = new AlwaysOnSampler()) {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    sampler: new ParentBasedSampler({ root }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  const observer = traceRequests(provider.getTracer("test"));
  return { observer, spans: () => exporter.getFinishedSpans() };
}

async function through(
  observer: RequestObserver,
  more: Partial<ProxyOptions>,
  use: (send: (headers?: Record<string, string>) => Promise<number>) => Promise<void>,
  answer: (request: SeenRequest) => number = () => 200,
): Promise<SeenRequest[]> {
  const seen: SeenRequest[] = [];
  await using app = await startUpstream("h1", (request) => {
    seen.push(request);
    return { status: answer(request) };
  });
  await using sidecar = new Sidecar({ observers: [observer] });
  await sidecar.apply(snapshotOf({ upstreamPorts: [app.port], ...more }));
  using client = makeClient("h1", sidecar.plane.portOf("in")!);
  await use(async (headers = {}) => {
    return (await client.send({ path: "/notes?secret=1", headers })).status;
  });
  // Numbers are counted, and spans end, in the same turn.
  while (sidecar.plane.active > 0) await new Promise((resolve) => setImmediate(resolve));
  return seen;
}

const contextOf = ({ headers }: SeenRequest): (string | undefined)[] => {
  const { traceparent, tracestate } = headers as Record<string, string | undefined>;
  return [traceparent, tracestate];
};

const spanIdOf = (span: ReadableSpan | undefined): string | undefined => span?.spanContext().spanId;

test("a request is a server span, and an attempt a client span in it, in the caller's trace", async () => {
  const { observer, spans } = recorder();
  const [seen] = await through(observer, {}, async (send) => {
    await send({ traceparent: `00-${TRACE}-${SPAN}-01`, tracestate: "vendor=1" });
  });
  const [client, server] = spans();
  expect([client?.name, client?.kind, server?.name, server?.kind]).toEqual([
    "GET everything",
    2,
    "GET everything",
    1,
  ]);
  expect(server?.spanContext().traceId).toBe(TRACE);
  expect(server?.parentSpanContext?.spanId).toBe(SPAN);
  expect(client?.parentSpanContext?.spanId).toBe(spanIdOf(server));
  expect(contextOf(seen!)).toEqual([`00-${TRACE}-${spanIdOf(client)}-01`, "vendor=1"]);
  expect(server?.attributes).toMatchObject({
    "http.request.method": "GET",
    "http.response.status_code": 200,
    "url.path": "/notes",
    "url.scheme": "http",
    "network.protocol.version": "1.1",
    "server.address": "127.0.0.1",
    "client.address": "127.0.0.1",
  });
  expect(client?.attributes).toMatchObject({
    "http.response.status_code": 200,
    upstream_cluster: "backend",
    "network.peer.address": "127.0.0.1",
  });
  expect(JSON.stringify([client?.attributes, server?.attributes])).not.toContain("secret");
});

test("a context that is not well-formed begins a new trace", async () => {
  const { observer, spans } = recorder();
  const [seen] = await through(observer, {}, async (send) => {
    await send({ traceparent: `00-${TRACE}-${"0".repeat(16)}-01`, tracestate: "vendor=1" });
  });
  const [, server] = spans();
  expect(server?.parentSpanContext).toBeUndefined();
  expect(server?.spanContext().traceId).not.toBe(TRACE);
  const [parent, state] = contextOf(seen!);
  expect(parent).toContain(server?.spanContext().traceId);
  expect(state).toBeUndefined();
});

test("what the caller does not record is not recorded, and said to be so", async () => {
  const { observer, spans } = recorder();
  const [seen] = await through(observer, {}, async (send) => {
    await send({ traceparent: `00-${TRACE}-${SPAN}-00` });
  });
  expect(spans()).toEqual([]);
  expect(contextOf(seen!)[0]).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));

  const never = recorder(new AlwaysOffSampler());
  const [asked] = await through(never.observer, {}, async (send) => void (await send()));
  expect(never.spans()).toEqual([]);
  expect(contextOf(asked!)[0]).toMatch(/-00$/);
});

test("without an SDK the caller's context is passed on as it is", async () => {
  const observer = traceRequests(trace.getTracer("none"));
  const seen = await through(observer, {}, async (send) => {
    await send({ traceparent: `00-${TRACE}-${SPAN}-01`, tracestate: "vendor=1" });
    await send();
  });
  expect(seen.map(contextOf)).toEqual([
    [`00-${TRACE}-${SPAN}-01`, "vendor=1"],
    [undefined, undefined],
  ]);
});

test("each attempt has a span, and those that came to nothing are errors", async () => {
  const { observer, spans } = recorder();
  let asked = 0;
  const retry = policy({ backoff: { baseMs: 1, maxMs: 2 } });
  const seen = await through(
    observer,
    { action: { retry } },
    async (send) => expect(await send()).toBe(200),
    () => (asked++ === 0 ? 503 : 200),
  );
  const [first, second, server] = spans();
  expect(seen).toHaveLength(2);
  expect([first?.status.code, second?.status.code, server?.status.code]).toEqual([2, 0, 0]);
  expect(second?.attributes["http.request.resend_count"]).toBe(1);
  expect(seen.map((one) => contextOf(one)[0]?.split("-")[2])).toEqual([
    spanIdOf(first),
    spanIdOf(second),
  ]);
});

test("hedging: each attempt beside another has its own span, and the slow one is the error", async () => {
  const { observer, spans } = recorder();
  const release = Promise.withResolvers<void>();
  let asked = 0;
  await using app = await startUpstream("h1", async () => {
    if (asked++ === 0) await release.promise;
    return { status: 200 };
  });
  await using sidecar = new Sidecar({ observers: [observer] });
  const hedge = { onPerTryTimeout: true, initialRequests: 1 };
  const action = { hedge, retry: policy({ perTryTimeoutMs: 20 }) };
  await sidecar.apply(snapshotOf({ upstreamPorts: [app.port], action }));
  using client = makeClient("h1", sidecar.plane.portOf("in")!);
  expect((await client.send({})).status).toBe(200);
  release.resolve();
  while (spans().length < 3) await new Promise((resolve) => setImmediate(resolve));
  const [slow, quick, server] = spans();
  expect(slow?.attributes).toMatchObject({ "error.type": "timed-out" });
  expect(slow?.attributes["http.response.status_code"]).toBeUndefined();
  expect(quick?.attributes).toMatchObject({
    "http.response.status_code": 200,
    "http.request.resend_count": 1,
  });
  expect([slow, quick, server].map((span) => span?.status.code)).toEqual([2, 0, 0]);
  for (const span of [slow, quick]) {
    expect(span?.parentSpanContext?.spanId).toBe(spanIdOf(server));
  }
});

test("an error of the server is one on both, an error of the client on the client's span alone", async () => {
  for (const [status, codes] of [
    [404, [2, 0]],
    [500, [2, 2]],
  ] as const) {
    const { observer, spans } = recorder();
    await through(
      observer,
      {},
      async (send) => void (await send()),
      () => status,
    );
    expect(spans().map((span) => span.status.code)).toEqual(codes);
    expect(spans()[0]?.attributes["error.type"]).toBe(String(status));
  }
});

test("a collector gets the spans by OTLP, at the latest when the process ends", async () => {
  const bodies: string[] = [];
  const collector = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      bodies.push(`${request.method} ${request.url} ${body}`);
      response.setHeader("content-type", "application/json");
      response.end("{}");
    });
  });
  const port = await listenOn(collector);
  {
    await using otlp = startOtlp({ endpoint: `http://127.0.0.1:${port}/`, serviceName: "notes" });
    const [observer] = otlp.observers;
    await through(observer!, {}, async (send) => void (await send()));
  }
  collector.closeAllConnections();
  collector.close();
  expect(bodies).toHaveLength(1);
  expect(bodies[0]).toMatch(/^POST \/v1\/traces \{/);
  const { resourceSpans } = JSON.parse(bodies[0]?.split(" ").slice(2).join(" ") ?? "");
  expect(resourceSpans[0].resource.attributes).toContainEqual({
    key: "service.name",
    value: { stringValue: "notes" },
  });
  expect(resourceSpans[0].scopeSpans[0].spans).toHaveLength(2);
});
