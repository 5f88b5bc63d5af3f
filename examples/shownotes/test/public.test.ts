import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Lab, type LabState } from "../src/lab.ts";
import { createPublicHandler } from "../src/public.ts";
import type { PublicPresence } from "../src/public-presence.ts";
import { brief, InProcessStacks, listen } from "./in-process.ts";
import { type InProcessPresence, InProcessRegions } from "./in-process-presence.ts";

let lab: Lab;
let server: Server;
let url: URL;
let stops: number;

beforeEach(async () => {
  stops = 0;
  lab = new Lab(new InProcessStacks(), brief, () => {});
  server = createServer(createPublicHandler(lab, () => stops++));
  url = await listen(server);
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await lab.stop();
});

// Not fetch: it tidies up the path, and will not send a foreign Origin.
async function ask(
  path: string,
  {
    method = "GET",
    body = "",
    headers = {},
  }: { method?: string; body?: string; headers?: object } = {},
) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { host: url.hostname, port: url.port, path, method, headers, agent: false };
    request(options as object, resolve)
      .on("error", reject)
      .end(body);
  });
  let text = "";
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, text, headers: response.headers };
}

const post = (path: string, options: object = {}) => ask(path, { method: "POST", ...options });
const shown = async () => JSON.parse((await ask("/lab")).text) as LabState;

test("the page, the probes and the metrics are there before any service is", async () => {
  expect(await ask("/")).toMatchObject({
    status: 200,
    headers: { "content-type": "text/html; charset=utf-8" },
    text: expect.stringContaining("<title>Shownotes"),
  });
  expect(await ask("/livez")).toMatchObject({ status: 200 });
  expect(await ask("/readyz")).toMatchObject({ status: 503 });
  expect((await ask("/metrics")).text).toContain("process_cpu_seconds_total");
  expect(await ask("/episodes/1/notes")).toMatchObject({
    status: 503,
    text: "no edge is running just now\n",
  });
  expect(await ask("/nowhere")).toMatchObject({ status: 404 });
});

test("the actions change what GET /lab shows, and answer with it", async () => {
  expect(await post("/lab/reset")).toMatchObject({ status: 200 });
  expect(await ask("/readyz")).toMatchObject({ status: 200 });
  expect(await shown()).toMatchObject({ busy: false, pattern: true, fault: false });
  const answered = JSON.parse((await post("/lab/pattern", { body: `{"on":false}` })).text);
  expect(answered).toMatchObject({ pattern: false, breaker: { state: "disabled" } });
  await post("/lab/pattern", { body: `{"on":false}` });
  expect(await shown()).toMatchObject({ pattern: false });
  await post("/lab/pattern");
  await post("/lab/fault", { body: `{"on":true}` });
  expect(await shown()).toMatchObject({ pattern: true, fault: true });
  expect(await post("/lab/experiment")).toMatchObject({ status: 200 });
  expect((await shown()).report).toContain("X1");
  await post("/lab/quit");
  await expect.poll(() => stops).toBe(1);
});

describe("with regions", () => {
  const names = ["eu", "us"];
  let region: InProcessPresence;
  let regions: InProcessRegions;
  let presence: PublicPresence & { isParted: boolean; areThere: boolean };
  beforeEach(async () => {
    regions = await InProcessRegions.of(...names);
    region = await regions.start("eu");
    presence = {
      names,
      isParted: false,
      areThere: true,
      urlOf: (name) => (presence.areThere && names.includes(name) ? region.url : undefined),
      part: async (on) => {
        presence.isParted = on;
      },
    };
    server.removeAllListeners("request");
    server.on(
      "request",
      createPublicHandler(lab, () => stops++, presence),
    );
  });
  afterEach(async () => {
    await region[Symbol.asyncDispose]();
    regions[Symbol.dispose]();
  });

  test("their episodes are shown and edited; their controls and metrics are not", async () => {
    expect(await post("/regions/eu/episodes/1/tags/crdt")).toMatchObject({ status: 200 });
    const body = `{"insert":"hello"}`;
    const notes = await ask("/regions/eu/episodes/1/notes", { method: "PATCH", body });
    expect(notes).toMatchObject({ status: 200, text: `{"length":5}` });
    const shown = JSON.parse((await ask("/regions/eu/episodes/1")).text);
    expect(shown).toMatchObject({ tags: ["crdt"], notes: "hello" });
    expect(JSON.parse((await ask("/regions/eu/state")).text)).toMatchObject({ region: "eu" });
    for (const path of ["control", "metrics", "livez", "episodes/../control", "state/x", ""]) {
      expect(await ask(`/regions/eu/${path}`), path).toMatchObject({ status: 404 });
    }
    expect(await ask("/regions/nowhere/state")).toMatchObject({ status: 503 });
    const headers = { origin: "http://elsewhere" };
    const foreign = await post("/regions/eu/episodes/1/stars", { headers });
    expect(foreign).toMatchObject({ status: 403 });
  });

  test("they are cut off from each other, and let meet, once they are there", async () => {
    const answered = async (body?: string) =>
      JSON.parse((await post("/lab/partition", { body })).text).regions;
    expect(await answered(`{"on":true}`)).toEqual({ names, isParted: true });
    expect(await answered()).toEqual({ names, isParted: false });
    expect(await answered()).toEqual({ names, isParted: true });
    presence.areThere = false;
    expect(await post("/lab/partition")).toMatchObject({
      status: 409,
      text: "the regions are being started\n",
    });
  });
});

test("without regions there is nothing to cut off", async () => {
  expect(await post("/lab/partition")).toMatchObject({
    status: 409,
    text: "there are no regions to cut off here\n",
  });
  expect(await shown()).toMatchObject({ regions: null });
});

test("an action while another is under way is 409, with the reason", async () => {
  const experiment = post("/lab/experiment");
  await expect.poll(async () => (await shown()).busy).toBe(true);
  expect(await post("/lab/reset")).toMatchObject({
    status: 409,
    text: "busy: an experiment or another action is under way\n",
  });
  expect(await experiment).toMatchObject({ status: 200 });
  await lab.stop();
  expect(await post("/lab/reset")).toMatchObject({ status: 500, text: "the demo was stopped\n" });
});

test("an action without a live service is 409, and says what to do", async () => {
  expect(await post("/lab/fault")).toMatchObject({
    status: 409,
    text: "no services are running: reset starts fresh ones\n",
  });
});

test("a page of another site is refused; ours, and no browser at all, are not", async () => {
  const from = (origin: string) => post("/lab/quit", { headers: { origin } });
  expect(await from("https://example.org")).toMatchObject({
    status: 403,
    text: "not for https://example.org\n",
  });
  expect(await from("null")).toMatchObject({ status: 403 });
  expect(await from(`http://127.0.0.1:${Number(url.port) + 1}`)).toMatchObject({ status: 403 });
  expect(stops).toBe(0);
  expect(await from(url.origin)).toMatchObject({ status: 200 });
});

const refused: [string, object, number, string][] = [
  [
    "/lab/dance",
    { method: "POST" },
    404,
    "try POST /lab/experiment, pattern, fault, reset, partition, quit",
  ],
  ["/lab/toString", { method: "POST" }, 404, "try POST"],
  ["/lab/reset", { method: "GET" }, 405, "only POST"],
  ["/lab/fault", { method: "POST", body: "{" }, 400, "JSON"],
  ["/lab/fault", { method: "POST", body: "[true]" }, 400, "body must be a JSON object"],
  ["/lab/fault", { method: "POST", body: `{"on":"yes"}` }, 400, `true or false, got "yes"`],
  ["/lab/fault", { method: "POST", body: `{"off":true}` }, 400, `only "on" may be said, got "off"`],
  [
    "/lab/experiment",
    { method: "POST", body: `{"id":"x8"}` },
    400,
    `x1, x2, x3, x4, x5, x6, x9, got "x8"`,
  ],
  ["/lab/experiment", { method: "POST", body: `{"on":true}` }, 400, `only "id" may be said`],
  ["/lab/fault", { method: "POST", body: " ".repeat(4_097) }, 400, "at most 4096 bytes"],
];

test.each(refused)("%s, asked wrongly, is refused: %#", async (path, options, status, reason) => {
  expect(await ask(path, options)).toMatchObject({
    status,
    text: expect.stringContaining(reason),
  });
});

test("episodes are handed on to the live edge, whole", async () => {
  await lab.reset();
  const notes = await ask("/episodes/7/notes");
  expect(notes).toMatchObject({ status: 200, headers: { "content-type": "application/json" } });
  expect(JSON.parse(notes.text)).toMatchObject({ id: "7" });
  const preview = await ask("/episodes/7/preview?url=https%3A%2F%2Fexample.org%2F%3Fa%26b");
  expect(JSON.parse(preview.text)).toMatchObject({ url: "https://example.org/?a&b" });
  expect(await ask("/episodes/7/songs")).toMatchObject({ status: 404 });
  expect(await post("/episodes/7/notes")).toMatchObject({ status: 404 });
});

test("a checkout is handed on, unless a page of another site asks for it", async () => {
  await lab.reset();
  const path = "/episodes/7/checkout";
  // The edges of these tests have no billing behind them.
  expect(await post(path)).toMatchObject({ status: 503, text: "there is no billing here\n" });
  const headers = { origin: "https://example.org" };
  expect(await post(path, { headers })).toMatchObject({ status: 403 });
});

test("what users ask of a workspace is handed on, and so is what its limit says", async () => {
  await lab.reset();
  const body = JSON.stringify({ address: "a@example.org" });
  expect(await post("/sign-in", { body })).toMatchObject({
    status: 202,
    headers: { ratelimit: expect.stringMatching(/^"sign-in";r=4;t=\d+$/) },
  });
  expect(await post("/workspaces/acme/invites", { body })).toMatchObject({ status: 202 });
  for (let i = 0; i < 4; i++) await post("/sign-in", { body });
  expect(await post("/sign-in", { body })).toMatchObject({
    status: 429,
    headers: { "retry-after": expect.stringMatching(/^\d+$/) },
  });
  expect(
    await post("/sign-in", { body, headers: { origin: "https://example.org" } }),
  ).toMatchObject({ status: 403 });
  expect((await shown()).workspaceLimit).toMatchObject({ on: true, refused: 0 });
});

const detours = [
  "/control",
  "/workspaces/../control/exit",
  "/sign-in/../control",
  "/control/exit",
  "/episodes/../control/exit",
  "/episodes/%2e%2e/control/exit",
  "/episodes/1/..\\../../control/exit",
  "//x/control",
  "/episodes/..%2fcontrol%2fexit",
];

test.each(detours)("the services' own controls are not reachable by %s", async (path) => {
  await lab.reset();
  expect(await ask(path)).toMatchObject({ status: 404 });
  expect(await post(path)).toMatchObject({ status: 404 });
});

test("a whole URL as the target leads to the edge all the same, not to whom it names", async () => {
  await lab.reset();
  expect(await ask("http://127.0.0.1:1/episodes/1/notes")).toMatchObject({ status: 200 });
});

test("a request target that is no path is refused, and nothing falls over", async () => {
  expect((await ask("http://%zz/")).status).toBe(400);
  expect(await ask("/livez")).toMatchObject({ status: 200 });
});
