// Raw request shapes through the proxy, to an upstream that takes everything: each is refused, or
// reaches upstream as bytes that every careless reader reads in the same way.
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningProxy, startProxy } from "../proxy/harness.ts";
import {
  type NaiveUpstream,
  type Reading,
  read,
  readers,
  type SeenConnection,
  startNaiveUpstream,
} from "./naive-upstream.ts";
import { type Expected, type Forwarded, type Refused, type Shape, withLines } from "./shape.ts";
import { connections, limits } from "./shapes/connection.ts";
import { chunks, codings, lengths } from "./shapes/framing.ts";
import { endings, requestLines, values } from "./shapes/lines.ts";
import { both, forms, hosts, paths } from "./shapes/targets.ts";

const groups: Readonly<Record<string, readonly Shape[]>> = {
  lengths,
  codings,
  chunks,
  "ends of lines": endings,
  values,
  "request lines": requestLines,
  hosts,
  "forms of targets": forms,
  paths,
  connections,
  limits,
  "one after the other": both,
};

let upstream: NaiveUpstream;
let proxy: RunningProxy;

beforeAll(async () => {
  upstream = await startNaiveUpstream();
  proxy = await startProxy({
    upstreamPorts: [upstream.port],
    http: { path: { normalize: true, mergeSlashes: true, escapedSlashes: "reject" } },
    // A connection for each request, so that the bytes of one shape are told from the others'.
    cluster: { requestsPerConnectionMax: 1 },
  });
});

afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

/** Sends bytes, in pieces if wished, until so many responses have come or the end. */
function exchange(bytes: string, responses: number, pieceBytes = Infinity): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(proxy.port, "127.0.0.1");
    let got = "";
    const count = (): number => got.match(/HTTP\/1\.1 \d{3}/g)?.length ?? 0;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => {
      got += chunk.toString("latin1");
      if (count() >= responses) socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(got));
    const all = Buffer.from(bytes, "latin1");
    if (pieceBytes >= all.length) socket.write(all);
    for (let at = 0; pieceBytes < all.length && at < all.length; at += pieceBytes) {
      socket.write(all.subarray(at, at + pieceBytes));
    }
  });
}

const statuses = (text: string): number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));

/** What each reader makes of all that upstream got. */
function readingsOf(
  seen: readonly SeenConnection[],
): readonly { name: string; reading: Reading }[] {
  return readers.map((reader) => {
    const each = seen.map(({ bytes }) => read(bytes, reader));
    const requests = each.flatMap((one) => one.requests);
    return {
      name: reader.name,
      reading: { requests, rest: each.map(({ rest }) => rest).join("") },
    };
  });
}

async function expectRefusal(shape: Shape, { status, before, staysOpen }: Refused): Promise<void> {
  // Nothing may come late of the shape before.
  expect(upstream.news()).toEqual([]);
  const got = await exchange(shape.bytes, staysOpen ? before + 1 : Number.POSITIVE_INFINITY);
  expect(statuses(got)).toEqual([...Array(before).fill(200), status]);
  // Of a body that went bad under way upstream has seen the beginning, and then the end of its
  // connection: to no reader is it a request.
  const seen = upstream.news();
  while (!seen.every(({ isClosed }) => isClosed)) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const { name, reading } of readingsOf(seen)) {
    expect(reading.requests.length, name).toBe(before);
  }
}

async function expectForward(shape: Shape, { requests }: Forwarded): Promise<void> {
  // Nothing may come late of the shape before.
  expect(upstream.news()).toEqual([]);
  const canary = withLines("Connection: close").replace("GET /", "GET /canary");
  const got = await exchange(shape.bytes + canary, requests.length + 1);
  expect(statuses(got)).toEqual(Array(requests.length + 1).fill(200));
  const expected = [...requests, { method: "GET", target: "/canary", host: "a.example" }];
  for (const { name, reading } of readingsOf(upstream.news())) {
    expect(reading.rest, name).toBe("");
    expect(reading.requests.length, name).toBe(expected.length);
    for (const [i, request] of reading.requests.entries()) {
      expectRequest(name, request, expected[i]!);
    }
  }
}

function expectRequest(name: string, request: Reading["requests"][number], expected: Expected) {
  const { fields, ...plain } = expected;
  for (const key of ["method", "target", "host", "body"] as const) {
    if (plain[key] !== undefined) expect(request[key], `${name}: ${key}`).toBe(plain[key]);
  }
  for (const [field, value] of Object.entries(fields ?? {})) {
    const wanted = name === "underscores" || name === "everything at once";
    const looked = wanted ? field.replaceAll("_", "-") : field;
    expect(request.fields.get(looked), `${name}: ${field}`).toEqual([value]);
  }
  // What is said of the proxy's own connection, and nothing that a client said.
  expect(request.fields.get("connection") ?? ["close"]).toEqual([
    expect.stringMatching(/^(keep-alive|close)$/),
  ]);
  for (const field of expected.without ?? []) {
    expect(request.fields.has(field), `${name}: ${field}`).toBe(false);
  }
}

describe.each(Object.entries(groups))("%s", (_, shapes) => {
  test.each(shapes)("$section: $name", async (shape) => {
    if (shape.expect.kind === "refused") await expectRefusal(shape, shape.expect);
    else await expectForward(shape, shape.expect);
  });
});

describe("byte by byte", () => {
  const shapes = Object.values(groups)
    .flat()
    .filter(({ bytes }) => bytes.length < 500);

  test("every shape comes to the same end as at once", async () => {
    for (const shape of shapes) {
      const { expect: wanted } = shape;
      const answers = wanted.kind === "refused" ? 1 : wanted.requests.length;
      const closes = wanted.kind === "refused" && !wanted.staysOpen;
      const count = closes ? Number.POSITIVE_INFINITY : answers;
      const got = statuses(await exchange(shape.bytes, count, 1));
      const before = wanted.kind === "refused" ? wanted.before : wanted.requests.length;
      const all = [
        ...Array(before).fill(200),
        ...(wanted.kind === "refused" ? [wanted.status] : []),
      ];
      expect(got, shape.name).toEqual(all);
    }
  });
});

test("there are enough of them, each with its section", () => {
  const all = Object.values(groups).flat();
  expect(all.length).toBeGreaterThanOrEqual(80);
  for (const { section } of all) expect(section).toMatch(/^RFC \d{4} §\d/);
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
});
