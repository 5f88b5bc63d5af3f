import { describe, expect, test } from "vitest";
import { startProxy } from "./harness.ts";
import { makeClient, startUpstream, type Version } from "./peers.ts";

const versions: readonly Version[] = ["h1", "h2"];
const pairs = versions.flatMap((down) => versions.map((up) => [down, up] as const));

describe.each(pairs)("%s to %s", (down, up) => {
  const cluster = { protocol: up === "h1" ? "http1" : "http2" } as const;

  test("a request and its response pass whole", async () => {
    await using upstream = await startUpstream(up, ({ method, path, headers, body }) => ({
      status: 201,
      headers: { "x-seen": `${method} ${path} ${headers["x-mine"]}`, "set-cookie": ["a=1", "b=2"] },
      body: Buffer.concat([Buffer.from("got "), body]),
    }));
    await using proxy = await startProxy({ upstreamPorts: [upstream.port], cluster });
    using client = makeClient(down, proxy.port);
    const headers = { "x-mine": "yes" };
    const got = await client.send({ method: "POST", path: "/a?b=c", headers, body: "hello" });
    expect(got.status).toBe(201);
    expect(got.headers["x-seen"]).toBe("POST /a?b=c yes");
    expect(got.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
    expect(got.body.toString()).toBe("got hello");
  });

  test("trailers pass in both directions", async () => {
    await using upstream = await startUpstream(up, ({ trailers }) => ({
      status: 200,
      body: "body",
      trailers: { "x-after": `saw ${trailers["x-sum"]}` },
    }));
    await using proxy = await startProxy({ upstreamPorts: [upstream.port], cluster });
    using client = makeClient(down, proxy.port);
    const got = await client.send({ method: "POST", body: "one", trailers: { "x-sum": "42" } });
    expect(got.body.toString()).toBe("body");
    expect(got.trailers["x-after"]).toBe("saw 42");
  });

  test("bodies that end with the head, and responses without one, are told apart", async () => {
    await using upstream = await startUpstream(up, ({ method }) => ({
      status: method === "DELETE" ? 204 : 200,
      headers: { "x-method": method },
      body: method === "HEAD" || method === "DELETE" ? "" : "text",
    }));
    await using proxy = await startProxy({ upstreamPorts: [upstream.port], cluster });
    using client = makeClient(down, proxy.port);
    for (const method of ["GET", "HEAD", "DELETE", "POST", "HEAD", "GET"]) {
      const got = await client.send({ method });
      expect(got.status).toBe(method === "DELETE" ? 204 : 200);
      expect(got.headers["x-method"]).toBe(method);
    }
  });

  test("one connection to upstream serves one request after the other", async () => {
    await using upstream = await startUpstream(up, () => ({ status: 200, body: "ok" }));
    await using proxy = await startProxy({ upstreamPorts: [upstream.port], cluster });
    using client = makeClient(down, proxy.port);
    for (let i = 0; i < 20; i++) {
      expect((await client.send({})).status).toBe(200);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(upstream.connections()).toBeLessThanOrEqual(2);
  });

  test("many at a time do not change places", async () => {
    await using upstream = await startUpstream(up, ({ path, body }) => ({
      status: 200,
      body: `${path} ${body}`,
    }));
    await using proxy = await startProxy({ upstreamPorts: [upstream.port], cluster });
    using client = makeClient(down, proxy.port);
    const sent = Array.from({ length: 60 }, async (_, i) => {
      const got = await client.send({ method: "PUT", path: `/${i}`, body: `body ${i}` });
      expect(got.body.toString()).toBe(`/${i} body ${i}`);
    });
    await Promise.all(sent);
  });

  test("a body of 20 MB passes in both directions", async () => {
    await using upstream = await startUpstream(up, ({ body }) => ({ status: 200, body }));
    await using proxy = await startProxy({ upstreamPorts: [upstream.port], cluster });
    using client = makeClient(down, proxy.port);
    const body = Buffer.alloc(20_000_000, "abcdefghij");
    const got = await client.send({ method: "POST", body });
    expect(got.body.equals(body)).toBe(true);
  });
});
