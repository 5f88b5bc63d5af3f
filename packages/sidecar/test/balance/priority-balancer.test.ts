// Choices among priorities, localities and hosts that were tried already.
import { SeededRandom } from "@compendium/runtime";
import { describe, expect, test } from "vitest";
import type { ChooseContext } from "../../src/balance/balancer.ts";
import type { BalanceSettings } from "../../src/balance/level.ts";
import { PriorityBalancer } from "../../src/balance/priority-balancer.ts";
import type { HostGroup } from "../../src/cluster/host-set.ts";
import type { BalancerConfig } from "../../src/config/cluster-config.ts";
import { makeGroup, settingsOf, spread, zeroNumbers } from "./helpers.ts";

const configs: readonly BalancerConfig[] = [
  { kind: "round-robin" },
  { kind: "random" },
  { kind: "least-request", choices: 2, activeBias: 1 },
  { kind: "peak-ewma", decayMs: 10_000 },
  { kind: "ring-hash", sizeMin: 1_024, sizeMax: 8_388_608 },
  { kind: "maglev", tableSize: 65_537 },
];
const named = configs.map((balancer) => [balancer.kind, balancer] as const);

type Shares = Partial<Record<"p0" | "p1" | "x" | "y" | "z", number>>;

// Where choices go, in percent, by the name of the locality.
function shares(
  groups: readonly HostGroup[],
  settings: Partial<BalanceSettings>,
  count = 10_000,
): Shares {
  const balancer = new PriorityBalancer(groups, settingsOf(settings), zeroNumbers());
  const counts: Shares = {};
  const next = spread(11);
  for (let i = 0; i < count; i++) {
    const host = balancer.choose({ hash: next() });
    const region = host!.locality.region as keyof Shares;
    counts[region] = (counts[region] ?? 0) + 100 / count;
  }
  return counts;
}

describe.each(named)("%s", (_kind, balancer) => {
  test("spills over to the next priority by health", () => {
    const groups = [makeGroup(20, 10), makeGroup(20, 20, { priority: 1 })];
    const { p0, p1 } = shares(groups, { balancer });
    expect(p0).toBeGreaterThan(68);
    expect(p0).toBeLessThan(72);
    expect(p1).toBeCloseTo(100 - p0!, 6);
  });

  test("never takes a host that is unhealthy or ejected, unless in a panic", () => {
    const group = makeGroup(10, 8);
    group.hosts[0]!.isEjected = true;
    const numbers = zeroNumbers();
    const chooser = new PriorityBalancer([group], settingsOf({ balancer }), numbers);
    const next = spread(1);
    const chosen = new Set(Array.from({ length: 1_000 }, () => chooser.choose({ hash: next() })));
    expect(chosen).toEqual(new Set(group.hosts.slice(1, 8)));
    expect(numbers.panics).toBe(0);
  });

  test("takes all hosts in a panic, and counts that", () => {
    const group = makeGroup(10, 3);
    const numbers = zeroNumbers();
    const chooser = new PriorityBalancer([group], settingsOf({ balancer }), numbers);
    const next = spread(1);
    const chosen = new Set(Array.from({ length: 1_000 }, () => chooser.choose({ hash: next() })));
    expect(chosen).toEqual(new Set(group.hosts));
    expect(numbers.panics).toBe(1_000);
  });

  test("has nobody where panic is switched off and nobody is well, or where there is no host", () => {
    const settings = settingsOf({ balancer, panicThreshold: 0 });
    const none = new PriorityBalancer([makeGroup(10, 0)], settings, zeroNumbers());
    expect(none.choose({ hash: 1 })).toBeUndefined();
    expect(new PriorityBalancer([], settings, zeroNumbers()).choose({})).toBeUndefined();
    const empty = new PriorityBalancer([makeGroup(0, 0)], settings, zeroNumbers());
    expect(empty.choose({})).toBeUndefined();
  });

  test("chooses without a hash, too", () => {
    const group = makeGroup(5, 5);
    const chooser = new PriorityBalancer([group], settingsOf({ balancer }), zeroNumbers());
    const chosen = new Set(Array.from({ length: 1_000 }, () => chooser.choose({})));
    expect(chosen).toEqual(new Set(group.hosts));
  });

  test("looks for another host than one that was tried, as often as it is told to", () => {
    const group = makeGroup(5, 5);
    const chooser = new PriorityBalancer([group], settingsOf({ balancer }), zeroNumbers());
    const tried = group.hosts[2]!;
    const context = (hostSelectionAttempts: number, hash: number): ChooseContext => {
      return { hash, hostSelectionAttempts, tried: (host) => host === tried };
    };
    const next = spread(1);
    let again = 0;
    for (let i = 0; i < 500; i++) if (chooser.choose(context(30, next())) === tried) again++;
    expect(again).toBe(0);
    let asked = 0;
    const all: ChooseContext = {
      hash: 1,
      hostSelectionAttempts: 3,
      tried: () => ++asked > 0,
    };
    // A tried host is better than none.
    expect(chooser.choose(all)).toBeDefined();
    expect(asked).toBe(3);
  });

  test("without attempts takes whoever comes, tried or not", () => {
    const group = makeGroup(1, 1);
    const chooser = new PriorityBalancer([group], settingsOf({ balancer }), zeroNumbers());
    const tried = (): boolean => {
      throw new Error("nobody needs to ask");
    };
    expect(chooser.choose({ hash: 1, tried })).toBe(group.hosts[0]);
  });

  test("uses locality weights", () => {
    const x = makeGroup(10, 10, { weight: 1, name: "x" });
    const y = makeGroup(3, 3, { weight: 2, name: "y" });
    const z = makeGroup(3, 3, { weight: 0, name: "z" });
    const found = shares([x, y, z], { balancer, usesLocalityWeights: true });
    expect(Math.abs(found.x! - 33.3)).toBeLessThan(4);
    expect(Math.abs(found.y! - 66.7)).toBeLessThan(4);
    expect(found.z).toBeUndefined();
  });

  test("falls back to all hosts where no locality has a weight", () => {
    const groups = [makeGroup(9, 9, { name: "x" }), makeGroup(1, 1, { name: "y" })];
    const found = shares(groups, { balancer, usesLocalityWeights: true });
    expect(Math.abs(found.y! - 10)).toBeLessThan(4);
  });
});

describe("locality weights, as documented for X of weight 1 and Y of weight 2", () => {
  test.each([
    [100, 33],
    [70, 33],
    [69, 33],
    [50, 26],
    [25, 15],
    [0, 0],
  ])("with %i %% of X available, X gets %i %%", (available, share) => {
    const x = makeGroup(100, available, { weight: 1, name: "x" });
    const y = makeGroup(100, 100, { weight: 2, name: "y" });
    const found = shares([x, y], { usesLocalityWeights: true, panicThreshold: 0 });
    expect(Math.abs((found.x ?? 0) - share)).toBeLessThan(1);
  });

  test("a panic looks neither at health nor at places", () => {
    const x = makeGroup(10, 1, { weight: 1, name: "x" });
    const y = makeGroup(10, 1, { weight: 9, name: "y" });
    const found = shares([x, y], { usesLocalityWeights: true });
    expect(Math.abs(found.x! - 50)).toBeLessThan(1);
  });
});

test("the same hash stays in its priority and with its host", () => {
  const groups = [makeGroup(10, 5), makeGroup(10, 10, { priority: 1 })];
  const settings = settingsOf({
    balancer: { kind: "maglev", tableSize: 251 },
    random: new SeededRandom(5),
  });
  const balancer = new PriorityBalancer(groups, settings, zeroNumbers());
  const next = spread(2);
  for (let i = 0; i < 100; i++) {
    const hash = i % 2 === 0 ? next() : BigInt(next()) << 11n;
    expect(balancer.choose({ hash })).toBe(balancer.choose({ hash }));
  }
});
