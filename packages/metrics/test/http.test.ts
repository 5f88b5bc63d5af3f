import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { registerMetrics } from "@compendium/metrics";
import { METRICS_CONTENT_TYPE, metricsHandler } from "@compendium/metrics/http";
import { Registry } from "prom-client";
import { expect, onTestFinished, test } from "vitest";

async function serve(handler: ReturnType<typeof metricsHandler>): Promise<string> {
  const server = createServer(handler).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
}

function withFamily(collect: () => number): Registry {
  const registry = new Registry();
  registerMetrics(registry, [
    { name: "calls_total", type: "counter", help: "Calls.", collect: (emit) => emit(collect()) },
  ]);
  return registry;
}

test("GET answers with the text format whatever is asked for, HEAD with its headers", async () => {
  const url = await serve(metricsHandler(withFamily(() => 5)));
  const headers = { accept: "application/openmetrics-text" };
  const get = await fetch(url, { headers });
  expect([get.status, get.headers.get("content-type")]).toEqual([200, METRICS_CONTENT_TYPE]);
  const text = await get.text();
  expect(text).toContain("\ncalls_total 5\n");
  const head = await fetch(url, { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  expect(head.headers.get("content-length")).toBe(`${text.length}`);
});

test("other methods are answered 405, with what is allowed", async () => {
  const url = await serve(metricsHandler(new Registry()));
  for (const method of ["POST", "DELETE", "OPTIONS"]) {
    const response = await fetch(url, { method });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  }
});

test("a collector that throws yields 500 with one line, and the next scrape is new", async () => {
  let broken = true;
  const errors: unknown[] = [];
  const registry = withFamily(() => {
    if (broken) throw new Error("no\nnumbers");
    return 1;
  });
  const url = await serve(metricsHandler(registry, { onError: (error) => errors.push(error) }));
  const failed = await fetch(url);
  expect([failed.status, await failed.text()]).toEqual([500, "scrape failed: no numbers\n"]);
  expect(errors).toHaveLength(1);
  broken = false;
  expect((await fetch(url)).status).toBe(200);
});

test("an onError that throws does not end the process", async () => {
  const registry = withFamily(() => Number.NaN);
  const onError = () => {
    throw new Error("in the error handler");
  };
  const url = await serve(metricsHandler(registry, { onError }));
  expect((await fetch(url)).status).toBe(500);
  expect((await fetch(url)).status).toBe(500);
});

/** Sets a format that the type of a text registry does not allow; at run time anyone can. */
function setFormat(registry: Registry, contentType: string): void {
  registry.setContentType(contentType as typeof registry.contentType);
}

test("OpenMetrics is never served: prom-client 15 would rename the counters for good", async () => {
  const open = new Registry();
  setFormat(open, Registry.OPENMETRICS_CONTENT_TYPE);
  expect(() => metricsHandler(open)).toThrow(/registry must use the Prometheus text format/);

  const registry = withFamily(() => 1);
  const url = await serve(metricsHandler(registry));
  setFormat(registry, Registry.OPENMETRICS_CONTENT_TYPE);
  expect((await fetch(url)).status).toBe(500);
  registry.setContentType(Registry.PROMETHEUS_CONTENT_TYPE);
  expect(await (await fetch(url)).text()).toContain("calls_total 1");
});
