// Subsets: who asks for what gets it, and what happens to everybody else.
import { describe, expect, test } from "vitest";
import { SubsetBalancer } from "../../src/balance/subset-balancer.ts";
import { makeHost } from "../../src/cluster/host.ts";
import type { HostGroup } from "../../src/cluster/host-set.ts";
import type { SubsetConfig } from "../../src/config/cluster-config.ts";
import { makeGroup, settingsOf, zeroNumbers } from "./helpers.ts";

const hosts = [
  { version: "1", stage: "prod" },
  { version: "1", stage: "canary" },
  { version: "2", stage: "canary" },
  { stage: "prod" },
].map((metadata, i) => makeHost({ address: `10.0.0.${i}:80`, port: 80, metadata }));
const [one, oneCanary, twoCanary, unversioned] = hosts;
const group: HostGroup = { ...makeGroup(0, 0), hosts };

function chooser(config: Partial<SubsetConfig> = {}) {
  const whole: SubsetConfig = {
    selectors: [["version"], ["stage", "version"]],
    fallback: "none",
    default: {},
    ...config,
  };
  const numbers = zeroNumbers();
  const balancer = new SubsetBalancer([group], whole, settingsOf(), numbers);
  const all = (subset?: Record<string, string>): Set<unknown> =>
    new Set(Array.from({ length: 50 }, () => balancer.choose({ subset })));
  return { all, numbers };
}

describe("a request that asks for metadata", () => {
  test("gets the hosts with the same values for the keys of a selector", () => {
    const { all, numbers } = chooser();
    expect(all({ version: "1" })).toEqual(new Set([one, oneCanary]));
    expect(all({ version: "2" })).toEqual(new Set([twoCanary]));
    expect(all({ version: "1", stage: "canary" })).toEqual(new Set([oneCanary]));
    expect(numbers.subsetFallbacks).toBe(0);
  });

  test("falls back where no selector has exactly these keys, or no host these values", () => {
    const { all, numbers } = chooser({ fallback: "any" });
    for (const asked of [undefined, {}, { stage: "prod" }, { version: "3" }]) {
      expect(all(asked)).toEqual(new Set(hosts));
    }
    expect(numbers.subsetFallbacks).toBe(200);
  });

  test("falls back to nobody", () => {
    expect(chooser().all({ version: "3" })).toEqual(new Set([undefined]));
    expect(chooser().all()).toEqual(new Set([undefined]));
  });

  test("falls back to the hosts of the default, each of whose values must match", () => {
    const { all } = chooser({ fallback: "default", default: { stage: "prod" } });
    expect(all()).toEqual(new Set([one, unversioned]));
    const both = chooser({ fallback: "default", default: { stage: "prod", version: "1" } });
    expect(both.all()).toEqual(new Set([one]));
    expect(chooser({ fallback: "default", default: { stage: "none" } }).all()).toEqual(
      new Set([undefined]),
    );
  });

  test("is not deceived by values that look like other keys", () => {
    const strange = makeHost({
      address: "s:1",
      port: 1,
      metadata: { a: '","b', constructor: "x" },
    });
    const config: SubsetConfig = { selectors: [["a"]], fallback: "none", default: {} };
    const balancer = new SubsetBalancer(
      [{ ...group, hosts: [strange] }],
      config,
      settingsOf(),
      zeroNumbers(),
    );
    expect(balancer.choose({ subset: { a: '","b' } })).toBe(strange);
    expect(balancer.choose({ subset: { a: "", b: "" } })).toBeUndefined();
  });
});

test("each subset panics by itself", () => {
  const sick = makeHost({
    address: "9:1",
    port: 1,
    metadata: { version: "9" },
    isHealthy: false,
  });
  const config: SubsetConfig = { selectors: [["version"]], fallback: "none", default: {} };
  const numbers = zeroNumbers();
  const all = [{ ...group, hosts: [...hosts, sick] }];
  const balancer = new SubsetBalancer(all, config, settingsOf(), numbers);
  expect(balancer.choose({ subset: { version: "9" } })).toBe(sick);
  expect(numbers.panics).toBe(1);
  balancer.choose({ subset: { version: "1" } });
  expect(numbers.panics).toBe(1);
});
