// What the demo's sidecars are told, as the sidecar understands it.
import { readdirSync, readFileSync } from "node:fs";
import { compile, compileText } from "@compendium/sidecar";
import { describe, expect, test } from "vitest";
import { type SidecarPlan, sidecarConfig } from "../src/mesh-config.ts";
import { folder, meshFiles } from "./mesh-files.ts";

const plan: SidecarPlan = {
  name: "preview",
  listen: { host: "127.0.0.1", port: 15_006 },
  admin: { host: "127.0.0.1", port: 15_000 },
  endpoints: [{ host: "127.0.0.1", port: 8_080 }],
};

function compiled(change: Partial<SidecarPlan> = {}) {
  const notes: string[] = [];
  const text = JSON.stringify(sidecarConfig({ ...plan, ...change }));
  const snapshot = compileText(text, ({ path }) => notes.push(path));
  // Nothing that is written there is passed over.
  expect(notes).toEqual([]);
  const filter = snapshot.listeners.get("inbound")?.filterChains[0]?.filter;
  if (filter?.kind !== "http") throw new Error("it does not speak HTTP");
  const action = filter.virtualHosts[0]?.routes[0]?.action;
  if (action?.kind !== "forward") throw new Error("it forwards nothing");
  const cluster = snapshot.clusters.get("preview");
  if (cluster === undefined) throw new Error("there is no cluster");
  return { filter, action, cluster, snapshot };
}

test("a request goes to the service, has 15 s, and keeps the id that it brings", () => {
  const { filter, action, cluster, snapshot } = compiled();
  expect(snapshot.admin).toMatchObject({ address: "127.0.0.1", port: 15_000 });
  expect(filter).toMatchObject({ generatesRequestId: true, keepsRequestId: true, accessLogs: [] });
  expect(action).toMatchObject({ timeoutMs: 15_000, hedge: undefined });
  expect(cluster).toMatchObject({ discovery: "static", connectTimeoutMs: 1_000 });
});

test("nothing is tried again by itself but what never reached the service", () => {
  const { action, cluster } = compiled();
  expect(action.retry).toMatchObject({ retries: 1, perTryTimeoutMs: 0 });
  expect([...(action.retry?.on ?? [])].sort()).toEqual(["connect-failure", "refused-stream"]);
  expect(cluster.breakers.default).toMatchObject({
    requestsMax: 1_024,
    retryBudget: { percent: 20, retriesMin: 3 },
  });
});

test("a hedge is a second try beside the first, after the stated time", () => {
  const { action } = compiled({ hedgeAfterMs: 30 });
  expect(action.retry).toMatchObject({ retries: 1, perTryTimeoutMs: 30 });
  expect(action.hedge).toMatchObject({ onPerTryTimeout: true });
});

describe("outlier detection", () => {
  test("is there where it is said, and never puts aside more than half of the endpoints", () => {
    expect(compiled().cluster.outliers).toBeUndefined();
    expect(compiled({ ejectAfter: 3 }).cluster.outliers).toMatchObject({
      consecutive5xx: 3,
      ejectionPercentMax: 50,
      alwaysEjectsOneHost: false,
      baseEjectionTimeMs: 30_000,
    });
  });
});

test("versions have weights; names are looked up again and again", () => {
  const { cluster } = compiled({
    endpoints: [
      { host: "preview", port: 8_080, weight: 9 },
      { host: "preview-2", port: 8_080 },
    ],
  });
  expect(cluster).toMatchObject({ discovery: "strict-dns", dnsRefreshMs: 1_000 });
  const all = cluster.endpoints.flatMap(({ endpoints }) => endpoints);
  expect(all.map(({ weight }) => weight)).toEqual([9, 1]);
});

test("another setting is another version, the same is the same", () => {
  const version = (change: Partial<SidecarPlan>) =>
    compile(sidecarConfig({ ...plan, ...change })).version;
  expect(version({})).toBe(version({}));
  expect(version({ hedgeAfterMs: 30 })).not.toBe(version({}));
});

test.each([...meshFiles()])("mesh/%s is as `npm run mesh` writes it, and sound", (name, text) => {
  expect(readFileSync(new URL(name, folder), "utf8")).toBe(text);
  expect(compileText(text, () => {}).clusters.size).toBe(1);
});

test("there is no other file in mesh/", () => {
  expect(readdirSync(folder).sort()).toEqual([...meshFiles().keys()].sort());
});
