import { createServer, type Server } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { X6RemoteRegions } from "../src/x6-regions.ts";
import { listen } from "./in-process.ts";

const names = ["eu", "us", "ap"];
const never = new AbortController().signal;

// Services that say what the test has them say.
let peers: string[][];
let servers: Server[];
let urls: URL[];
let asked: number;
beforeEach(async () => {
  asked = 0;
  peers = names.map((name) => names.filter((other) => other !== name));
  servers = names.map((_, at) =>
    createServer((_request, response) => {
      asked++;
      response.end(JSON.stringify({ peers: peers[at] }));
    }),
  );
  urls = await Promise.all(servers.map(listen));
});
afterEach(() => {
  for (const server of servers) server.close();
});

const isDone = async (promise: Promise<void>): Promise<boolean> => {
  // All have been asked several times since.
  const until = asked + 10;
  await expect.poll(() => asked).toBeGreaterThan(until);
  const now = new Promise<false>((resolve) => setImmediate(() => resolve(false)));
  return Promise.race([promise.then(() => true as const), now]);
};

test("they are apart when no region reaches any other, and meet when one does", async () => {
  const said: string[] = [];
  const regions = await new X6RemoteRegions(urls, (line) => said.push(line)).fresh(
    names,
    undefined,
    never,
  );
  const parted = regions.part();
  expect(said).toEqual(["now cut the regions off from each other"]);
  expect(await isDone(parted)).toBe(false);
  peers = [[], [], ["us"]];
  expect(await isDone(parted)).toBe(false);
  peers = [[], [], []];
  await parted;
  const healed = regions.heal();
  expect(said.slice(1)).toEqual(["now let the regions reach each other again"]);
  expect(await isDone(healed)).toBe(false);
  peers = [[], ["ap"], []];
  await healed;
  await regions.stop();
});

test("two runs write to different episodes, and there is one address for each region", async () => {
  const remote = new X6RemoteRegions(urls, () => {});
  const regions = await remote.fresh(names, undefined, never);
  expect(regions).toMatchObject({ urls, name: expect.stringMatching(/^x6-\w+$/) });
  const fewer = new X6RemoteRegions(urls.slice(1), () => {});
  await expect(fewer.fresh(names, undefined, never)).rejects.toThrow(
    "there must be 3 regions, got 2",
  );
});

test("nobody who waits for a cut waits longer than is wanted", async () => {
  const stopping = new AbortController();
  const regions = await new X6RemoteRegions(urls, () => {}).fresh(
    names,
    undefined,
    stopping.signal,
  );
  const parted = regions.part();
  parted.catch(() => {});
  expect(await isDone(parted)).toBe(false);
  const reason = new Error("enough");
  stopping.abort(reason);
  await expect(parted).rejects.toBe(reason);
});
