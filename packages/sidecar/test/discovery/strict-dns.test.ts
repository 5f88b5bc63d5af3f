// Discovery by DNS, in virtual time.
import { ManualClock, SeededRandom } from "@compendium/runtime";
import { describe, expect, test } from "vitest";
import { addressOf } from "../../src/cluster/host-set.ts";
import type { ClusterConfig, LocalityEndpoints } from "../../src/config/cluster-config.ts";
import { StrictDns } from "../../src/discovery/strict-dns.ts";
import { endpoint, locality } from "../cluster/config.ts";
import { FakeResolver } from "./fake-resolver.ts";

const named = (...names: string[]): LocalityEndpoints => locality(names.map((n) => endpoint(n)));

function setUp(
  endpoints: readonly LocalityEndpoints[] = [named("a.test")],
  family: ClusterConfig["dnsFamily"] = "auto",
) {
  const clock = new ManualClock();
  const resolver = new FakeResolver();
  const told: string[] = [];
  const found: (readonly LocalityEndpoints[])[] = [];
  let ready = 0;
  const dns = new StrictDns({
    endpoints,
    refreshMs: 5_000,
    family,
    resolver,
    clock,
    random: new SeededRandom(1),
    onEndpoints: (localities) => {
      found.push(localities);
      told.push(localities.flatMap((each) => each.endpoints.map(addressOf)).join(" "));
    },
    onReady: () => {
      ready++;
    },
  });
  return { clock, resolver, told, found, dns, readies: () => ready };
}

describe("discovery by DNS", () => {
  test("every address of a name is a host, with what the endpoint says of it", async () => {
    const endpoints = [
      locality([endpoint("a.test", { weight: 3, metadata: { v: "1" } })], { zone: "z" }),
      locality([endpoint("b.test", { hostname: "b" }), endpoint("10.0.0.9")], { priority: 1 }),
    ];
    const { clock, resolver, found, dns } = setUp(endpoints);
    resolver.tell("a.test", ["10.0.0.2", "10.0.0.1"]);
    resolver.tell("b.test", ["10.0.0.3"]);
    dns.start();
    await clock.advanceAsync(0);
    const a = { port: 80, hostname: "a.test", weight: 3, metadata: { v: "1" } };
    expect(found.at(-1)).toEqual([
      locality(
        [
          { ...a, address: "10.0.0.1" },
          { ...a, address: "10.0.0.2" },
        ],
        { zone: "z" },
      ),
      locality([endpoint("10.0.0.3", { hostname: "b" }), endpoint("10.0.0.9")], { priority: 1 }),
    ]);
  });

  test("a name is looked up again after a pause, once for all of its endpoints", async () => {
    const endpoints = [named("a.test"), locality([endpoint("a.test", { port: 81 })])];
    const { clock, resolver, told, dns } = setUp(endpoints);
    resolver.tell("a.test", ["10.0.0.1"]);
    dns.start();
    await clock.advanceAsync(4_999);
    expect(resolver.asked).toHaveLength(1);
    resolver.tell("a.test", ["10.0.0.2"]);
    await clock.advanceAsync(1);
    expect(resolver.asked).toHaveLength(2);
    expect(told).toEqual(["", "10.0.0.1:80 10.0.0.1:81", "10.0.0.2:80 10.0.0.2:81"]);
  });

  test("another order of the same addresses changes nothing", async () => {
    const { clock, resolver, told, dns } = setUp();
    resolver.tell("a.test", ["10.0.0.1", "10.0.0.2"]);
    dns.start();
    await clock.advanceAsync(0);
    resolver.tell("a.test", ["10.0.0.2", "10.0.0.1", "10.0.0.1"]);
    await clock.advanceAsync(5_000);
    expect(told).toEqual(["", "10.0.0.1:80 10.0.0.2:80"]);
  });

  test("a name without an address (NXDOMAIN, or an empty answer) has no hosts any more", async () => {
    const { clock, resolver, told, dns } = setUp();
    resolver.tell("a.test", ["10.0.0.1"]);
    dns.start();
    await clock.advanceAsync(0);
    resolver.tell("a.test", []);
    await clock.advanceAsync(5_000);
    expect(told).toEqual(["", "10.0.0.1:80", ""]);
    expect(dns.numbers).toEqual({ lookups: 2, failures: 0, empty: 1 });
  });

  test.each(["failure", "silence"] as const)(
    "a %s leaves the hosts as they are",
    async (trouble) => {
      const { clock, resolver, told, dns } = setUp();
      resolver.tell("a.test", ["10.0.0.1"]);
      dns.start();
      await clock.advanceAsync(0);
      resolver.tell("a.test", trouble);
      await clock.advanceAsync(60_000);
      expect(dns.numbers.failures).toBeGreaterThan(1);
      expect(told).toEqual(["", "10.0.0.1:80"]);
      resolver.tell("a.test", ["10.0.0.2"]);
      await clock.advanceAsync(15_000);
      expect(told.at(-1)).toBe("10.0.0.2:80");
    },
  );

  test("after failures it is tried again soon at first, then less and less, and never less than usual", async () => {
    const { clock, resolver, dns } = setUp();
    resolver.tell("a.test", "failure");
    dns.start();
    const pauses: number[] = [];
    await clock.advanceAsync(0);
    for (let i = 0; i < 8; i++) {
      pauses.push(clock.nextTimerMs! - clock.now());
      await clock.advanceToAsync(clock.nextTimerMs!);
    }
    for (const [i, usual] of [500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000, 5_000].entries()) {
      expect(pauses[i]).toBeGreaterThanOrEqual(usual / 2);
      expect(pauses[i]).toBeLessThanOrEqual(usual);
    }
    // By chance, so that proxies which failed together do not return together.
    expect(new Set(pauses.slice(4)).size).toBeGreaterThan(1);
  });

  test("an answer that comes after its time is not heard", async () => {
    const { clock, resolver, told, dns } = setUp();
    const late = Promise.withResolvers<{ address: string; family: number }[]>();
    const resolve = resolver.resolve.bind(resolver);
    resolver.resolve = () => late.promise;
    dns.start();
    await clock.advanceAsync(10_000);
    expect(dns.numbers.failures).toBe(1);
    resolver.resolve = resolve;
    late.resolve([{ address: "10.6.6.6", family: 4 }]);
    resolver.tell("a.test", ["10.0.0.1"]);
    await clock.advanceAsync(500);
    expect(told).toEqual(["", "10.0.0.1:80"]);
  });

  test("it is ready when every name was looked up once, with or without success, and says so once", async () => {
    const { clock, resolver, dns, readies } = setUp([named("a.test", "b.test", "c.test")]);
    resolver.tell("a.test", ["10.0.0.1"]);
    resolver.tell("b.test", "failure");
    resolver.tell("c.test", "silence");
    dns.start();
    await clock.advanceAsync(9_999);
    expect([dns.isReady, readies()]).toEqual([false, 0]);
    await clock.advanceAsync(1);
    expect([dns.isReady, readies()]).toEqual([true, 1]);
    await clock.advanceAsync(60_000);
    expect(readies()).toBe(1);
  });

  test("addresses need no lookup", () => {
    const { clock, resolver, told, dns, readies } = setUp([named("10.0.0.1", "::1")]);
    dns.start();
    expect([told, readies(), dns.isReady]).toEqual([["10.0.0.1:80 [::1]:80"], 1, true]);
    expect([resolver.asked, clock.pendingTimers]).toEqual([[], 0]);
  });

  test.each([
    ["auto", "[fd00::1]:80", "10.0.0.1:80"],
    ["v4-preferred", "10.0.0.1:80", "10.0.0.1:80"],
    ["v4-only", "10.0.0.1:80", "10.0.0.1:80"],
    ["v6-only", "[fd00::1]:80", ""],
    ["all", "10.0.0.1:80 [fd00::1]:80", "10.0.0.1:80"],
  ] as const)(
    "dns_lookup_family %s: of both families %s, of IPv4 alone %s",
    async (family, ofBoth, ofOne) => {
      const { clock, resolver, told, dns } = setUp([named("a.test")], family);
      resolver.tell("a.test", ["10.0.0.1", "fd00::1"]);
      dns.start();
      await clock.advanceAsync(0);
      expect(told.at(-1)).toBe(ofBoth);
      resolver.tell("a.test", ["10.0.0.1"]);
      await clock.advanceAsync(5_000);
      expect(told.at(-1)).toBe(ofOne);
    },
  );

  test("with neither preferred family there, the other is taken", async () => {
    const { clock, resolver, told, dns } = setUp([named("a.test")], "v4-preferred");
    resolver.tell("a.test", ["fd00::1"]);
    dns.start();
    await clock.advanceAsync(0);
    expect(told.at(-1)).toBe("[fd00::1]:80");
  });

  test("of one name no more than 1,024 addresses are used", async () => {
    const { clock, resolver, found, dns } = setUp();
    const many = Array.from({ length: 1_100 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    resolver.tell("a.test", many);
    dns.start();
    await clock.advanceAsync(0);
    expect(found.at(-1)?.[0]?.endpoints).toHaveLength(1_024);
  });

  test("leaves nothing behind when it is disposed: no timer, and what comes is not heard", async () => {
    for (const trouble of ["failure", "silence"] as const) {
      const { clock, resolver, told, dns } = setUp();
      resolver.tell("a.test", trouble);
      dns.start();
      if (trouble === "failure") await clock.advanceAsync(0);
      expect(clock.pendingTimers).toBe(1);
      dns[Symbol.dispose]();
      expect(clock.pendingTimers).toBe(0);
      await clock.advanceAsync(60_000);
      expect([told, resolver.asked]).toEqual([[""], ["a.test"]]);
    }
  });
});
