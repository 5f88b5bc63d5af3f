import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createEdge } from "../src/edge.ts";
import { getJson, postJson } from "../src/http.ts";
import { type Scenario, scenario } from "../src/scenario.ts";
import type { EdgeState } from "../src/stack.ts";
import { listen, serve } from "./in-process.ts";

// Two places, of which previews may hold one where they are kept apart.
const small: Scenario = {
  ...scenario,
  edge: { inFlightMax: 2 },
  breaker: { ...scenario.breaker, inFlightMax: 1 },
};

// A preview service that answers when the test says so.
let asked: { response: ServerResponse; gone: boolean }[] = [];
const preview = createServer((_request, response) => {
  const entry = { response, gone: false };
  response.on("close", () => {
    entry.gone = !response.writableFinished;
  });
  asked.push(entry);
});
let edge: Awaited<ReturnType<typeof serve>>;
let previewUrl: URL;

beforeEach(async () => {
  asked = [];
  previewUrl = await listen(preview);
  edge = await serve(createEdge(previewUrl, small, false));
});

afterEach(async () => {
  preview.closeAllConnections();
  await Promise.all([edge.stop(), new Promise((resolve) => preview.close(resolve))]);
});

const state = () => getJson<EdgeState>(new URL("/control", edge.url));
const places = async () => {
  const { inFlight, queued } = await state();
  return [inFlight, queued];
};

function ask(path: string) {
  const call = request(new URL(path, edge.url), { agent: false });
  const answer = new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    call.on("error", reject);
    call.on("response", async (response: IncomingMessage) => {
      let body = "";
      for await (const chunk of response) body += chunk;
      resolve({ status: response.statusCode, body });
    });
  });
  answer.catch(() => {});
  call.end();
  return { answer, leave: () => call.destroy() };
}

const notes = () => ask("/episodes/1/notes");
const hang = () => ask("/episodes/1/preview?url=a");

test("notes need no preview; a preview is what the preview service says", async () => {
  expect(await notes().answer).toMatchObject({ status: 200 });
  const { answer } = hang();
  await expect.poll(() => asked.length).toBe(1);
  asked[0]?.response.end(`{"url":"a","title":"A"}`);
  expect(await answer).toEqual({ status: 200, body: `{"url":"a","title":"A"}` });
  expect(await places()).toEqual([0, 0]);
});

test("without protection, slow previews fill the places, and the notes wait", async () => {
  hang();
  hang();
  await expect.poll(places).toEqual([2, 0]);
  const { answer } = notes();
  await expect.poll(places).toEqual([2, 1]);
  asked[0]?.response.end("{}");
  expect(await answer).toMatchObject({ status: 200 });
});

test("with protection, previews hold what they may, and the rest get a bare link", async () => {
  await postJson(new URL("/control/protection", edge.url), { on: true });
  hang();
  await expect.poll(places).toEqual([1, 0]);
  expect(await hang().answer).toEqual({ status: 200, body: `{"url":"a","title":"a"}` });
  expect(await notes().answer).toMatchObject({ status: 200 });
  expect(await state()).toMatchObject({ bulkhead: { refused: 1 }, bareLinks: 1 });
});

test("a caller who leaves the queue is never served, and takes nobody's place along", async () => {
  hang();
  hang();
  await expect.poll(places).toEqual([2, 0]);
  const waiting = hang();
  await expect.poll(places).toEqual([2, 1]);
  waiting.leave();
  await expect.poll(places).toEqual([2, 0]);
  for (const { response } of asked) response.end("{}");
  await expect.poll(places).toEqual([0, 0]);
  expect(asked).toHaveLength(2);
});

test("a caller who leaves ends their preview, for which nobody waits any more", async () => {
  const { leave } = hang();
  await expect.poll(() => asked.length).toBe(1);
  leave();
  await expect.poll(places).toEqual([0, 0]);
  await expect.poll(() => asked[0]?.gone).toBe(true);
  expect((await state()).breaker).toMatchObject({ inFlight: 0, counts: { cancelled: 1 } });
});

test("a connection that breaks gives back the places of all that was sent over it", async () => {
  const socket = connect(Number(edge.url.port), "127.0.0.1");
  const get = "GET /episodes/1/preview?url=a HTTP/1.1\r\nhost: edge\r\n\r\n";
  socket.write(get.repeat(3));
  await expect.poll(places).toEqual([2, 1]);
  socket.destroy();
  await expect.poll(places).toEqual([0, 0]);
});

test("what the preview service gets wrong is a bare link, not an error", async () => {
  const { answer } = hang();
  await expect.poll(() => asked.length).toBe(1);
  const response = asked[0]?.response as ServerResponse;
  response.statusCode = 500;
  response.end("oops");
  expect(await answer).toEqual({ status: 200, body: `{"url":"a","title":"a"}` });
});

test("paths that lead nowhere say where to go", async () => {
  const answers = ["/", "/episodes", "/episodes//notes", "/episodes/1/songs"];
  for (const path of answers) expect(await ask(path).answer).toMatchObject({ status: 404 });
  expect(await ask("/episodes/1/preview").answer).toEqual({
    status: 400,
    body: "url is missing\n",
  });
});

test("the metrics tell how long requests took, by route", async () => {
  await notes().answer;
  const exposition = await (await fetch(new URL("/metrics", edge.url))).text();
  expect(exposition).toContain(`\nedge_request_seconds_count{route="notes"} 1\n`);
  expect(exposition).toContain(`\nedge_request_seconds_count{route="preview"} 0\n`);
});

test("protection is switched by a boolean and nothing else, and its changes are told", async () => {
  const control = (body: object) => postJson(new URL("/control/protection", edge.url), body);
  expect(await state()).toMatchObject({ protection: false, transitions: [{ to: "disabled" }] });
  await expect(control({})).rejects.toThrow("on must be true or false, got undefined");
  await control({ on: true });
  expect(await state()).toMatchObject({ protection: true, breaker: { state: "closed" } });
});
