// Hosts keep their objects as long as their address stays.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HostSet } from "../../src/cluster/host-set.ts";
import { endpoint, locality } from "./config.ts";

const addresses = fc.uniqueArray(fc.integer({ min: 1, max: 20 }).map((i) => `10.0.0.${i}`));

describe("a host set", () => {
  test("keeps the object of every address that stays, and tells who came and who left", () => {
    fc.assert(
      fc.property(fc.array(addresses, { minLength: 1, maxLength: 6 }), (updates) => {
        const set = new HostSet({ startsHealthy: true });
        let before = new Map();
        for (const [i, update] of updates.entries()) {
          const { added, removed } = set.update([locality(update.map((a) => endpoint(a)))], i);
          const after = new Map([...set.hosts()].map((host) => [host.address, host]));
          expect([...after.keys()]).toEqual(update.map((address) => `${address}:80`));
          for (const [address, host] of after) {
            if (before.has(address)) expect(before.get(address)).toBe(host);
            else expect(added).toContain(host);
          }
          expect(added.every((host) => !before.has(host.address))).toBe(true);
          expect(removed).toEqual([...before.values()].filter((h) => !after.has(h.address)));
          before = after;
        }
      }),
    );
  });

  test("what is known of a host outlives an update of its weight, priority, place and metadata", () => {
    const set = new HostSet({ startsHealthy: true });
    set.update([locality([endpoint("10.0.0.1")])], 5);
    const host = set.get("10.0.0.1:80")!;
    host.isEjected = true;
    host.numbers.activeRequests = 3;
    const moved = endpoint("10.0.0.1", { weight: 7, hostname: "b", metadata: { v: "2" } });
    set.update([locality([moved], { priority: 2, zone: "z" })], 9);
    expect(set.get("10.0.0.1:80")).toBe(host);
    expect(host).toMatchObject({
      weight: 7,
      hostname: "b",
      metadata: { v: "2" },
      priority: 2,
      locality: { zone: "z" },
      joinedAtMs: 5,
      isEjected: true,
      numbers: { activeRequests: 3 },
    });
  });

  test("takes an address once, the first time, even of two places", () => {
    const set = new HostSet({ startsHealthy: true });
    const twice = [endpoint("a"), endpoint("a", { weight: 9 })];
    set.update([locality(twice), locality([endpoint("a"), endpoint("b")], { priority: 1 })], 0);
    expect(set.size).toBe(2);
    expect(set.groups.map(({ hosts }) => hosts.map(({ address }) => address))).toEqual([
      ["a:80"],
      ["b:80"],
    ]);
    expect(set.get("a:80")!.weight).toBe(1);
  });

  test("a host that has left and comes again is another one", () => {
    const set = new HostSet({ startsHealthy: true });
    set.update([locality([endpoint("a")])], 0);
    const before = set.get("a:80");
    set.update([], 1);
    set.update([locality([endpoint("a")])], 2);
    expect(set.get("a:80")).not.toBe(before);
    expect(set.get("a:80")!.healthySinceMs).toBe(2);
  });

  test("addresses of IPv6 stand in brackets", () => {
    const set = new HostSet({ startsHealthy: false });
    set.update([locality([endpoint("::1")])], 0);
    expect(set.get("[::1]:80")!.isHealthy).toBe(false);
  });
});
