import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBilling } from "../src/billing.ts";
import { createEdge } from "../src/edge.ts";
import { SeatsClient } from "../src/edge-seats.ts";
import { limitsInMemory } from "../src/limits.ts";
import { registryAt, statusesAt } from "../src/registry-http.ts";
import { scenario as x1 } from "../src/scenario.ts";
import { scenario as x2 } from "../src/x2-scenario.ts";
import { serve } from "./in-process.ts";
import { type InProcessRegistry, startRegistry } from "./in-process-registry.ts";

const nobody = new URL("http://127.0.0.1:1");
let registry: InProcessRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry[Symbol.asyncDispose]());

const ask = async (
  method: string,
  path: string,
  body?: unknown,
  { to = registry.url, headers = {} }: { to?: URL; headers?: Record<string, string> } = {},
) => {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(new URL(path, to), { method, headers, ...sent });
  const text = await response.text();
  const isJson = response.headers.get("content-type") === "application/json";
  return { status: response.status, body: isJson ? JSON.parse(text) : text };
};

describe("a member of the registry", () => {
  test("serves its clients, by way of a session", async () => {
    using client = registryAt([registry.url]);
    const session = await client.openSession();
    const lease = { do: "acquire", document: "d", holder: "ada", ttlMs: 60_000 } as const;
    const { epoch } = await session.run(lease);
    expect(await client.read({ of: "lease", document: "d" })).toMatchObject({
      holder: "ada",
      epoch,
    });
    await session.run({ do: "pay", workspace: "w", charge: "c", seats: 1 });
    await session.run({ do: "take", workspace: "w", person: "ada" });
    expect(await client.read({ of: "seats", workspace: "w" })).toMatchObject({
      paid: 1,
      people: ["ada"],
    });
  });

  test("carries a numbered command out once, and answers as it did then", async () => {
    const { body: opened } = await ask("POST", "/sessions");
    const session = { id: opened.session, sequence: 1, acknowledged: 0 };
    const command = { do: "acquire", document: "once", holder: "ada", ttlMs: 60_000 };
    const first = await ask("POST", "/commands", { session, command });
    expect(first).toMatchObject({ status: 200, body: { ok: true } });
    expect(await ask("POST", "/commands", { session, command })).toEqual(first);
    expect(await ask("POST", "/commands", { session: { ...session, id: 999 }, command })).toEqual({
      status: 503,
      body: expect.objectContaining({ code: "SESSION_EXPIRED" }),
    });
  });

  test("says where it stands, and shows its numbers and Raft's", async () => {
    const [status] = await statusesAt([registry.url]);
    expect(status).toMatchObject({ member: 1, leader: 1 });
    expect(status?.applied).toBe(status?.committed);
    expect(await statusesAt([nobody])).toEqual([undefined]);
    const { body } = await ask("GET", "/metrics");
    expect(body).toMatch(/^raft_term\{name="registry",member="1"\} \d+$/m);
    expect(body).toMatch(/^registry_revision \d+$/m);
    expect((await ask("GET", "/control")).body).toMatchObject({ name: "registry", leader: 1 });
  });

  const session = { id: 1, sequence: 1, acknowledged: 0 };
  const command = { do: "free", workspace: "w", person: "p" };
  test.each([
    ["GET", "/seats/a%20b", undefined, 400, "workspace must be"],
    ["GET", "/leases/", undefined, 400, "document must be"],
    ["POST", "/commands", {}, 400, "do must be"],
    ["POST", "/commands", { command }, 400, "session.id must be"],
    ["POST", "/commands", { command, session: { ...session, acknowledged: -1 } }, 400, "session."],
    ["POST", "/commands", { session, command: { ...command, person: "" } }, 400, "person must be"],
    ["POST", "/dance", {}, 404, "try POST /sessions"],
  ])("%s %s with %j is refused: %s", async (method, path, body, status, message) => {
    expect(await ask(method, path, body)).toEqual({
      status,
      body: expect.objectContaining({ message: expect.stringContaining(message) }),
    });
  });
});

describe("the edge's hop to the registry", () => {
  const stops: (() => Promise<void>)[] = [];
  afterAll(() => Promise.all(stops.map((stop) => stop())));
  const start = async (registryUrl: URL) => {
    const billing = await serve(createBilling(x2, true));
    const hop = { url: billing.url, retries: "budget", breaker: true } as const;
    const seats = new SeatsClient([registryUrl]);
    const edge = await serve(createEdge(nobody, x1, true, hop, limitsInMemory(), seats));
    stops.push(edge.stop, billing.stop);
    return (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
      ask(method, path, body, { to: edge.url, ...(headers && { headers }) });
  };

  test("seats that were paid for can be taken, no more, and given back", async () => {
    const edge = await start(registry.url);
    expect(await edge("POST", "/workspaces/acme/seats", { person: "ada" })).toEqual({
      status: 409,
      body: { paid: 0, taken: 0 },
    });
    expect(await edge("POST", "/workspaces/acme/checkout", { seats: 2 })).toMatchObject({
      status: 200,
      body: { episode: "acme", amountCents: 1_800, seatsPaid: 2 },
    });
    for (const person of ["ada", "bob"]) {
      expect(await edge("POST", "/workspaces/acme/seats", { person })).toMatchObject({
        status: 200,
      });
    }
    expect(await edge("POST", "/workspaces/acme/seats", { person: "cyd" })).toEqual({
      status: 409,
      body: { paid: 2, taken: 2 },
    });
    expect(await edge("DELETE", "/workspaces/acme/seats/bob")).toMatchObject({ status: 200 });
    expect(await edge("GET", "/workspaces/acme/seats")).toEqual({
      status: 200,
      body: { paid: 2, people: ["ada"] },
    });
  });

  test("a checkout that is sent again is charged once and counted once", async () => {
    const edge = await start(registry.url);
    const checkOut = (key: string) =>
      edge("POST", "/workspaces/again/checkout", { seats: 1 }, { "idempotency-key": key });
    const first = await checkOut("mine");
    expect(first).toMatchObject({ status: 200, body: { seatsPaid: 1 } });
    expect(await checkOut("mine")).toEqual(first);
    expect(await checkOut("other")).toMatchObject({ status: 200, body: { seatsPaid: 2 } });
  });

  test("what is asked wrongly, or of nobody, is refused", async () => {
    const edge = await start(registry.url);
    expect(await edge("POST", "/workspaces/acme/seats", {})).toMatchObject({ status: 400 });
    expect(await edge("PUT", "/workspaces/acme/seats")).toMatchObject({ status: 400 });
    expect(await edge("GET", "/workspaces/acme/dance")).toMatchObject({ status: 404 });
    const alone = await serve(createEdge(nobody, x1, true));
    stops.push(alone.stop);
    expect(await ask("GET", "/workspaces/acme/seats", undefined, { to: alone.url })).toMatchObject({
      status: 503,
    });
  });

  test("a registry that does not answer is 503, in time", async () => {
    const edge = await start(nobody);
    expect(await edge("POST", "/workspaces/acme/seats", { person: "ada" })).toMatchObject({
      status: 503,
      body: { code: "TIMEOUT" },
    });
  });
});
