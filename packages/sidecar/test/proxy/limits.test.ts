// What may be under way to a cluster at a time, and what each answer says of the proxy.
import { createServer, type ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { Fields } from "../../src/codec/fields.ts";
import { clusterConfig } from "../cluster/config.ts";
import { forwardRoute, listenOn, startProxy } from "./harness.ts";

test("a request beyond the cluster's bound is 503 at once; a place that is free again is used", async () => {
  const waiting: ServerResponse[] = [];
  const upstream = createServer((_request, response) => waiting.push(response));
  const thresholds = { ...clusterConfig().breakers.default, requestsMax: 1 };
  await using proxy = await startProxy({
    upstreamPorts: [await listenOn(upstream)],
    cluster: { breakers: { default: thresholds, high: thresholds } },
  });
  const url = `http://127.0.0.1:${proxy.port}/`;
  const first = fetch(url);
  while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const refused = await fetch(url);
  expect([refused.status, await refused.text()]).toEqual([
    503,
    "too many requests are under way to the cluster\n",
  ]);
  waiting.pop()?.end("first");
  expect(await (await first).text()).toBe("first");
  const again = fetch(url);
  while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
  waiting.pop()?.end("again");
  expect(await (await again).text()).toBe("again");
  upstream.close();
});

test("a direct response is the bytes that were written down, and says once what they are", async () => {
  const body = Buffer.from([0, 0xff, 0x80, 10]);
  const fields = new Fields(["content-type", "image/x-dot"]);
  const action = { kind: "direct", status: 203, body, fields } as const;
  const routes = [{ ...forwardRoute(), action }];
  const virtualHosts = [{ name: "all", domains: ["*"], requiresTls: false, routes }];
  await using proxy = await startProxy({ upstreamPorts: [], http: { virtualHosts } });
  const response = await fetch(`http://127.0.0.1:${proxy.port}/`);
  expect([response.status, response.headers.get("content-type")]).toEqual([203, "image/x-dot"]);
  expect(Buffer.from(await response.arrayBuffer())).toEqual(body);
});

test.each([
  ["overwrite", "app", "edge"],
  ["append-if-absent", "app", "app"],
  ["append-if-absent", undefined, "edge"],
  ["pass-through", "app", "app"],
  ["pass-through", undefined, null],
] as const)("Server: %s, %s from upstream, is %s", async (serverHeader, theirs, expected) => {
  const upstream = createServer((_request, response) => {
    response.end(theirs === undefined ? "" : response.setHeader("server", theirs) && "");
  });
  await using proxy = await startProxy({
    upstreamPorts: [await listenOn(upstream)],
    http: { serverHeader, serverName: "edge" },
  });
  const response = await fetch(`http://127.0.0.1:${proxy.port}/`);
  expect(response.headers.get("server")).toBe(expected);
  upstream.close();
});
