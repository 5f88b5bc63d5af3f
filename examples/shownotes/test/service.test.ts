import { Agent, createServer, type IncomingMessage, request } from "node:http";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { getJson, postJson } from "../src/http.ts";
import { createPreview } from "../src/preview.ts";
import { scenario } from "../src/scenario.ts";
import { createService, listenOn, type ServiceDefinition } from "../src/service.ts";
import { listen, serve } from "./in-process.ts";

function define(options: Partial<ServiceDefinition> = {}): ServiceDefinition {
  return {
    name: "test",
    registry: new Registry(),
    state: () => ({ mood: "good" }),
    control: {
      mood: ({ to }) => {
        if (typeof to !== "string") throw new TypeError("to must be a string");
      },
    },
    handle: (_request, response) => response.end("handled"),
    ...options,
  };
}

async function ask(
  url: URL,
  { method = "GET", body, headers = {} }: { method?: string; body?: string; headers?: object } = {},
) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { method, agent: false as const, headers: { ...headers } };
    request(url, options, resolve).on("error", reject).end(body);
  });
  let text = "";
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, text, headers: response.headers };
}

test("probes, metrics and the state answer; the rest is the service's own", async () => {
  const { url, stop } = await serve(createPreview(scenario));
  expect(await ask(new URL("/livez", url))).toMatchObject({ status: 200, text: "ok\n" });
  expect(await ask(new URL("/readyz", url))).toMatchObject({ status: 200, text: "ok\n" });
  expect((await ask(new URL("/metrics", url))).text).toContain("\npreview_calls_total 0\n");
  expect(await getJson(new URL("/control", url))).toEqual({
    name: "preview",
    startedAtMs: performance.timeOrigin,
    calls: 0,
    faultCalls: 0,
    fault: false,
    faultSinceMs: null,
    delayMs: 20,
    stragglers: false,
    abandonedCalls: 0,
    failures: false,
    failedCalls: 0,
  });
  expect(await ask(new URL("/preview?url=a", url))).toMatchObject({ status: 200 });
  expect(await ask(new URL("/preview", url))).toMatchObject({ status: 400 });
  expect(await ask(new URL("/preview?url=a", url), { method: "POST" })).toMatchObject({
    status: 404,
  });
  await stop();
});

test("the preview service counts calls, and those under the fault apart", async () => {
  const { url, stop } = await serve(createPreview(scenario));
  const preview = () => ask(new URL("/preview?url=a", url));
  const fault = (body: object) => postJson(new URL("/control/fault", url), body);
  await preview();
  await fault({ on: true, delayMs: 1 });
  await preview();
  expect(await getJson(new URL("/control", url))).toMatchObject({ fault: true, delayMs: 1 });
  await fault({ on: false });
  await preview();
  expect(await getJson(new URL("/control", url))).toMatchObject({
    calls: 3,
    faultCalls: 1,
    fault: false,
    delayMs: 20,
  });
  await expect(fault({ on: "yes" })).rejects.toThrow("400: on must be true or false, got yes");
  await expect(fault({ on: true, delayMs: 60_001 })).rejects.toThrow("from 0 to 60000, got 60001");
  await expect(fault({ on: true, delayMs: Number.NaN })).rejects.toThrow("got null");
  await stop();
});

test("a control that cannot be meant is refused with the reason", async () => {
  const { url, stop } = await serve(define());
  const control = (verb: string, options: object) => ask(new URL(`/control/${verb}`, url), options);
  const post = { method: "POST" };
  expect(await control("mood", { ...post, body: `{"to":"x"}` })).toMatchObject({ status: 204 });
  expect(await control("mood", post)).toMatchObject({ status: 400, text: "to must be a string\n" });
  expect(await control("mood", { ...post, body: "[]" })).toMatchObject({ status: 400 });
  expect(await control("mood", { ...post, body: "{" })).toMatchObject({ status: 400 });
  expect(await control("mood", { ...post, body: "x".repeat(4_097) })).toMatchObject({
    status: 400,
    text: "body must be at most 4096 bytes\n",
  });
  expect(await control("mood", {})).toMatchObject({ status: 405, headers: { allow: "POST" } });
  expect(await control("dance", post)).toMatchObject({ status: 404 });
  expect(await control("toString", post)).toMatchObject({ status: 404 });
  await stop();
});

test("draining: not ready, nothing new, what is in flight is finished, then the exit", async () => {
  let finish = () => {};
  let exits = 0;
  const begun = Promise.withResolvers<void>();
  const definition = define({
    handle: (_request, response) => {
      finish = () => response.end("done");
      begun.resolve();
    },
  });
  const { server, drain } = createService(definition, () => exits++);
  const url = await listen(server);
  const inFlight = ask(new URL("/slow", url));
  await begun.promise;
  drain();
  drain();
  expect(await ask(new URL("/readyz", url))).toMatchObject({ status: 503, text: "draining\n" });
  expect(await ask(new URL("/livez", url))).toMatchObject({ status: 200 });
  expect(await ask(new URL("/slow", url))).toMatchObject({ status: 503, text: "draining\n" });
  expect(exits).toBe(0);
  finish();
  expect(await inFlight).toMatchObject({ status: 200, text: "done" });
  await expect.poll(() => exits).toBe(1);
  server.close();
});

test("draining while idle exits at once; POST /control/exit answers first", async () => {
  let exits = 0;
  const idle = createService(define(), () => exits++);
  idle.drain();
  expect(exits).toBe(1);
  const asked = createService(define(), () => exits++);
  const url = await listen(asked.server);
  expect(await ask(new URL("/control/exit", url), { method: "POST" })).toMatchObject({
    status: 204,
  });
  await expect.poll(() => exits).toBe(2);
  asked.server.close();
});

test("an answer that is no JSON, or not 200, rejects instead of ending the process", async () => {
  const server = createServer((request, response) => {
    response.statusCode = request.url === "/bad" ? 200 : 418;
    response.end("{");
  });
  const url = await listen(server);
  await expect(getJson(new URL("/bad", url))).rejects.toThrow(SyntaxError);
  await expect(getJson(new URL("/tea", url))).rejects.toThrow("/tea answered 418: {");
  await expect(postJson(new URL("/tea", url), {})).rejects.toThrow("/tea answered 418: {");
  server.closeAllConnections();
  server.close();
});

test("an answer that breaks off rejects, and so does one that is not waited for", async () => {
  const server = createServer((request, response) => {
    response.writeHead(200).write("{");
    if (request.url === "/break") setTimeout(() => response.destroy(), 20);
  });
  const url = await listen(server);
  const agent = new Agent();
  await expect(getJson(new URL("/break", url), { agent })).rejects.toThrow("aborted");
  const signal = AbortSignal.timeout(50);
  await expect(getJson(new URL("/hang", url), { signal })).rejects.toThrow();
  server.closeAllConnections();
  server.close();
});

test("a port that is taken, or not allowed, is one line with the next step", async () => {
  const first = createServer();
  const url = await listen(first);
  const port = Number(url.port);
  await expect(listenOn(createServer(), { host: "127.0.0.1", port })).rejects.toThrow(
    `cannot listen on 127.0.0.1:${port} (EADDRINUSE): it is taken; choose another with --port`,
  );
  first.close();
  await expect(listenOn(createServer(), { host: "192.0.2.1", port: 0 })).rejects.toThrow(
    "cannot listen on 192.0.2.1:0 (EADDRNOTAVAIL): not an address of this machine",
  );
  const forbidden = createServer();
  forbidden.listen = () => forbidden.emit("error", { code: "EACCES" }) as never;
  await expect(listenOn(forbidden, { host: "127.0.0.1", port: 80 })).rejects.toThrow(
    "cannot listen on 127.0.0.1:80 (EACCES): not allowed to; choose one above 1023 with --port",
  );
});
