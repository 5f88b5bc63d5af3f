import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPresence } from "../src/presence.ts";
import { NOTES_UNITS_MAX, TAGS_MAX } from "../src/presence-episode.ts";
import { EPISODES_MAX } from "../src/presence-replica.ts";
import { serve } from "./in-process.ts";
import {
  type InProcessPresence,
  InProcessRegions,
  MemoryStore,
  openAlone,
} from "./in-process-presence.ts";

const ask = async (url: URL, method: string, path: string, body?: unknown) => {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(new URL(path, url), { method, ...sent });
  const text = await response.text();
  const isJson = response.headers.get("content-type") === "application/json";
  return { status: response.status, body: isJson ? JSON.parse(text) : text.trim() };
};

describe("a region by itself", () => {
  let regions: InProcessRegions;
  let eu: InProcessPresence;
  const at = (method: string, path: string, body?: unknown) => ask(eu.url, method, path, body);
  beforeAll(async () => {
    regions = await InProcessRegions.of("eu", "us");
    eu = await regions.start("eu");
  });
  afterAll(async () => {
    await eu[Symbol.asyncDispose]();
    regions[Symbol.dispose]();
  });

  test("answers an edit with what it has changed, and shows it", async () => {
    const edits: [string, string, unknown, object][] = [
      ["POST", "tags/raft", undefined, { tags: ["raft"] }],
      ["POST", "tags/crdt", undefined, { tags: ["crdt", "raft"] }],
      ["DELETE", "tags/raft", undefined, { tags: ["crdt"] }],
      ["POST", "stars", undefined, { stars: 1 }],
      ["POST", "stars", undefined, { stars: 2 }],
      ["DELETE", "stars", undefined, { stars: 1 }],
      ["PATCH", "notes", { insert: "hello" }, { length: 5 }],
      ["PATCH", "notes", { at: 1, delete: 4, insert: "i" }, { length: 2 }],
      ["PUT", "cursors/ada", { at: 2 }, { cursors: [{ person: "ada", region: "eu", at: 2 }] }],
      ["PATCH", "notes", { at: 0, insert: "oh, " }, { length: 6 }],
    ];
    for (const [method, path, body, changed] of edits) {
      const answer = await at(method, `/episodes/1/${path}`, body);
      expect(answer).toEqual({ status: 200, body: changed });
    }
    const cursors = [{ person: "ada", region: "eu", at: 6 }];
    const updatedAt = expect.stringMatching(/^20\d\d-/);
    expect(await at("GET", "/episodes/1")).toEqual({
      status: 200,
      body: {
        ...{ id: "1", tags: ["crdt"], stars: 1, notes: "oh, hi", cursors },
        column: { tags: ["crdt"], updatedAt },
      },
    });
    expect((await at("DELETE", "/episodes/1/cursors/ada")).body).toEqual({ cursors: [] });
  });

  test("shows an episode of which nobody has heard as one in which nobody has written", async () => {
    const { body: before } = await at("GET", "/state");
    expect(await at("GET", "/episodes/nobodys")).toEqual({
      status: 200,
      body: { id: "nobodys", tags: [], stars: 0, notes: "", cursors: [] },
    });
    expect((await at("GET", "/state")).body).toEqual(before);
  });

  const refused: [string, string, unknown, number, string][] = [
    ["GET", "/episodes", undefined, 404, "try /episodes/1 or /state"],
    ["GET", "/episodes/1/tags", undefined, 404, "try /episodes/1 or /state"],
    ["POST", "/episodes/1/stars/3", undefined, 404, "try /episodes/1 or /state"],
    ["POST", "/episodes/1/tags/a/b", undefined, 404, "try /episodes/1 or /state"],
    ["GET", "/nowhere", undefined, 404, "try /episodes/1 or /state"],
    ["GET", "/episodes/a%20b", undefined, 400, "an episode must be 1 to 64 letters"],
    ["POST", "/episodes/1/tags/a%20b", undefined, 400, "tags: 1 to 64 letters"],
    ["POST", "/episodes/1", undefined, 405, "only GET"],
    ["GET", "/episodes/1/stars", undefined, 405, "only POST, DELETE"],
    ["PUT", "/episodes/1/notes", {}, 405, "only PATCH"],
    ["POST", "/episodes/1/cursors/ada", {}, 405, "only PUT, DELETE"],
    ["PATCH", "/episodes/1/notes", { at: 999 }, 400, "notes of 6 units have no 0 at 999"],
    ["PATCH", "/episodes/1/notes", { at: -1 }, 400, "at must be a whole number from 0"],
    [
      "PATCH",
      "/episodes/1/notes",
      { delete: 999 },
      400,
      "notes of 6 units have no 999 at 0 to replace",
    ],
    ["PATCH", "/episodes/1/notes", { insert: 5 }, 400, "insert must be a text"],
    ["PATCH", "/episodes/1/notes", { insert: "\ud800" }, 400, "insert must be a text"],
    ["PATCH", "/episodes/1/notes", { text: "a" }, 400, 'got "text"'],
    ["PUT", "/episodes/1/cursors/ada", {}, 400, "at must be a whole number"],
    ["PUT", "/episodes/1/cursors/ada", { at: 999 }, 400, "position"],
  ];

  test.each(refused)("%s %s %j is refused with %i: %s", async (method, path, body, status, why) => {
    const before = await at("GET", "/episodes/1");
    const answer = await at(method, path, body);
    expect(answer.status).toBe(status);
    expect(answer.body).toContain(why);
    expect((await at("GET", "/episodes/1")).body).toEqual(before.body);
  });

  test("finds all that it has acknowledged in its next life, and goes on", async () => {
    await at("POST", "/episodes/2/tags/kept");
    await at("PATCH", "/episodes/2/notes", { insert: "kept\n" });
    const before = await at("GET", "/episodes/2");
    const state = await at("GET", "/state");
    await eu[Symbol.asyncDispose]();
    eu = await regions.start("eu");
    expect(await at("GET", "/episodes/2")).toEqual(before);
    expect((await at("GET", "/state")).body.digest).toBe(state.body.digest);
    await at("POST", "/episodes/2/tags/more");
    expect((await at("GET", "/episodes/2")).body).toMatchObject({
      tags: ["kept", "more"],
      column: { tags: ["kept", "more"] },
    });
  });
});

describe("regions that reach each other", () => {
  test("show the same soon; and who is there no longer than they do", async () => {
    using regions = await InProcessRegions.of("eu", "us");
    await using eu = await regions.start("eu");
    // An edit is answered before anybody else is there.
    await ask(eu.url, "POST", "/episodes/7/tags/early");
    let hasLeft = false;
    const us = await regions.start("us");
    try {
      const there = async () => (await ask(us.url, "GET", "/episodes/7")).body.tags;
      await expect.poll(there).toEqual(["early"]);
      await ask(us.url, "PATCH", "/episodes/7/notes", { insert: "from us" });
      await ask(us.url, "PUT", "/episodes/7/cursors/bob", { at: 4 });
      await ask(us.url, "DELETE", "/episodes/7/tags/early");
      const cursors = [{ person: "bob", region: "us", at: 4 }];
      const seen = { tags: [], notes: "from us", cursors };
      const here = async () => (await ask(eu.url, "GET", "/episodes/7")).body;
      await expect.poll(here).toMatchObject(seen);
      const state = async (of: InProcessPresence) => (await ask(of.url, "GET", "/state")).body;
      await expect.poll(() => state(eu)).toMatchObject({ region: "eu", peers: ["us"] });
      expect((await state(us)).digest).toBe((await state(eu)).digest);
      await us[Symbol.asyncDispose]();
      hasLeft = true;
      await expect.poll(here).toMatchObject({ ...seen, cursors: [] });
    } finally {
      if (!hasLeft) await us[Symbol.asyncDispose]();
    }
  });
});

describe("a region's bounds", () => {
  test("are 507 at the door, and change nothing", async () => {
    await using replica = await openAlone();
    const service = await serve(createPresence(replica));
    const tags = Array.from({ length: TAGS_MAX }, (_, n) => `t${n}`);
    for (const tag of tags) await replica.edit("1", { do: "tag", tag });
    const long = "x".repeat(NOTES_UNITS_MAX);
    await replica.edit("1", { do: "write", delete: 0, insert: long });
    const full = { status: 507, body: "no room for another one" };
    expect(await ask(service.url, "POST", "/episodes/1/tags/more")).toEqual(full);
    expect(await ask(service.url, "PATCH", "/episodes/1/notes", { insert: "y" })).toEqual(full);
    // What is there may be renewed, and replaced.
    expect((await ask(service.url, "POST", "/episodes/1/tags/t0")).status).toBe(200);
    const swap = { at: 0, delete: 1, insert: "y" };
    expect((await ask(service.url, "PATCH", "/episodes/1/notes", swap)).status).toBe(200);

    for (let n = 2; n <= EPISODES_MAX; n++) await replica.edit(`${n}`, { do: "star" });
    expect(await ask(service.url, "POST", "/episodes/one-more/stars")).toEqual(full);
    expect(replica.state()).toMatchObject({ episodes: EPISODES_MAX });
    const metrics = await (await fetch(new URL("/metrics", service.url))).text();
    expect(metrics).toContain("presence_without_room_total 3");
    await service.stop();
  });

  test("a disk that is full is 503, and said once", async () => {
    const store = new MemoryStore();
    const failures: string[] = [];
    const onFailed = ({ code }: { code: string }) => void failures.push(code);
    await using replica = await openAlone({ store, onFailed });
    const service = await serve(createPresence(replica));
    expect((await ask(service.url, "POST", "/episodes/1/stars")).status).toBe(200);
    store.full = true;
    expect((await ask(service.url, "POST", "/episodes/1/stars")).status).toBe(503);
    expect((await ask(service.url, "POST", "/episodes/1/tags/a")).status).toBe(503);
    expect(failures).toEqual(["SYNC_STORE"]);
    await service.stop();
  });
});
