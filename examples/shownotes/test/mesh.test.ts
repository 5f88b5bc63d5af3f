// What the demo's sidecars do, within the test: the configuration is the demo's own.
import { createServer, type Server, type ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";
import { endpointsAt } from "../src/mesh.ts";
import { EJECT_AFTER } from "../src/mesh-config.ts";
import { listen } from "./in-process.ts";
import { InProcessSidecar } from "./in-process-mesh.ts";

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

/** A service that answers its nth call, from 1, as it is told. */
async function service(answer: (n: number, response: ServerResponse) => void) {
  const seen = { calls: 0, abandoned: 0, ids: [] as (string | string[] | undefined)[] };
  const server: Server = createServer((request, response) => {
    seen.ids.push(request.headers["x-request-id"]);
    response.on("close", () => {
      if (!response.writableEnded) seen.abandoned++;
    });
    answer(++seen.calls, response);
  });
  const url = await listen(server);
  ending.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { seen, url };
}

async function inFrontOf(urls: readonly URL[], weights: number[] = []): Promise<InProcessSidecar> {
  const endpoints = endpointsAt(urls, weights);
  const sidecar = await InProcessSidecar.start({ name: "preview", endpoints });
  ending.push(() => sidecar.stop());
  return sidecar;
}

const fine = (response: ServerResponse) => response.end("fine");

test("a hedge overtakes a call without an answer, and that one is given up", async () => {
  const { seen, url } = await service((n, response) => {
    // The first is never answered.
    if (n > 1) fine(response);
  });
  const sidecar = await inFrontOf([url]);
  await sidecar.configure({ hedgeAfterMs: 30 });
  expect(await (await fetch(sidecar.url)).text()).toBe("fine");
  expect(seen.calls).toBe(2);
  await expect.poll(() => seen.abandoned).toBe(1);
});

test("without a hedge there is one call, whatever becomes of it", async () => {
  const { seen, url } = await service((_n, response) => response.writeHead(503).end());
  const sidecar = await inFrontOf([url]);
  expect((await fetch(sidecar.url)).status).toBe(503);
  expect(seen.calls).toBe(1);
});

test("a request has an id, and keeps the one that it brings", async () => {
  const { seen, url } = await service((_n, response) => fine(response));
  const inner = await inFrontOf([url]);
  const outer = await inFrontOf([inner.url]);
  await fetch(outer.url);
  await fetch(outer.url, { headers: { "x-request-id": "mine" } });
  expect(seen.ids).toEqual([expect.stringMatching(/^[\da-f-]{36}$/), "mine"]);
});

test("the version that fails too often in a row is put aside; the last one never is", async () => {
  const stable = await service((_n, response) => fine(response));
  const canary = await service((_n, response) => response.writeHead(500).end());
  const sidecar = await inFrontOf([stable.url, canary.url], [1, 1]);
  await sidecar.configure({ ejectAfter: EJECT_AFTER });
  const statuses: number[] = [];
  for (let i = 0; i < 40; i++) statuses.push((await fetch(sidecar.url)).status);
  expect(sidecar.ejected).toBe(1);
  expect(canary.seen.calls).toBe(EJECT_AFTER);
  expect(statuses.filter((status) => status === 500)).toHaveLength(EJECT_AFTER);

  const alone = await inFrontOf([canary.url]);
  await alone.configure({ ejectAfter: EJECT_AFTER });
  for (let i = 0; i < 10; i++) expect((await fetch(alone.url)).status).toBe(500);
  expect(alone.ejected).toBe(0);
});

test("an unsound configuration is refused, and the one before stays in force", async () => {
  const { url } = await service((_n, response) => fine(response));
  const sidecar = await inFrontOf([url]);
  await expect(sidecar.configure({ hedgeAfterMs: -1 })).rejects.toThrow("per_try_timeout");
  expect(await (await fetch(sidecar.url)).text()).toBe("fine");
});
