// The ring and Maglev's table: shares, and which keys move when hosts come and go.
import { SeededRandom, shuffle } from "@compendium/runtime";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { HostPicker, WeightedHosts } from "../../src/balance/balancer.ts";
import { MaglevPicker } from "../../src/balance/maglev.ts";
import { RingHashPicker } from "../../src/balance/ring-hash.ts";
import { hash53, hashModulo, xxh64 } from "../../src/balance/xxh64.ts";
import type { Host } from "../../src/cluster/host.ts";
import { countPicks, equal, makeHosts, spread, weighted } from "./helpers.ts";

const KEYS = 20_000;
const M = 65_537;

interface Hashing {
  readonly make: (hosts: WeightedHosts) => HostPicker;
  /** How far a share may be from its due, as a fraction of it. */
  readonly tolerance: number;
}

const algorithms: readonly [name: string, algorithm: Hashing][] = [
  ["Maglev", { make: (hosts) => new MaglevPicker(hosts, M), tolerance: 0.1 }],
  [
    "the ring",
    {
      make: (hosts) => new RingHashPicker(hosts, { sizeMin: 10_240, sizeMax: 8_388_608 }),
      tolerance: 0.2,
    },
  ],
];

const keys = Array.from({ length: KEYS }, (_, i) => hash53(`user-${i}`));

function without<T>(items: readonly T[], index: number): T[] {
  return items.filter((_, i) => i !== index);
}

function movedKeys(before: HostPicker, after: HostPicker): { from: Host; to: Host }[] {
  return keys
    .map((key) => ({ from: before.pick(key, 0), to: after.pick(key, 0) }))
    .filter(({ from, to }) => from !== to);
}

describe.each(algorithms)("%s", (_name, { make, tolerance }) => {
  test("sends a key to the same host, however the hosts were listed", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.nat(), (count, seed) => {
        const hosts = makeHosts(count);
        const one = make(equal(hosts));
        const other = make(equal(shuffle(new SeededRandom(seed), [...hosts])));
        for (const key of keys.slice(0, 200)) expect(other.pick(key, 0)).toBe(one.pick(key, 0));
      }),
      { numRuns: 10 },
    );
  });

  test("gives each of ten hosts its share", () => {
    const hosts = makeHosts(10);
    const counts = countPicks(make(equal(hosts)), hosts, KEYS, (i) => keys[i]!);
    for (const count of counts) {
      expect(Math.abs(count - KEYS / 10)).toBeLessThanOrEqual((tolerance * KEYS) / 10);
    }
  });

  test("gives hosts of unequal weight their shares", () => {
    const weights = [1, 2, 3, 4];
    const all = weighted(weights);
    const counts = countPicks(make(all), all.hosts, KEYS, (i) => keys[i]!);
    for (const [i, weight] of weights.entries()) {
      const due = (KEYS * weight) / 10;
      expect(Math.abs(counts[i]! - due)).toBeLessThanOrEqual(tolerance * due);
    }
  });

  test("moves at most 2/10 of the keys when one of ten hosts leaves, whichever it is", () => {
    const hosts = makeHosts(10);
    const before = make(equal(hosts));
    for (const gone of hosts.keys()) {
      const moved = movedKeys(before, make(equal(without(hosts, gone))));
      expect(moved.length).toBeLessThanOrEqual((2 * KEYS) / 10);
      // Those of the host that left have to.
      expect(moved.length).toBeGreaterThanOrEqual(((1 - tolerance) * KEYS) / 10);
    }
  });

  test("another attempt most likely meets another host, and each attempt meets the same again", () => {
    const hosts = makeHosts(10);
    const picker = make(equal(hosts));
    const sample = keys.slice(0, 2_000);
    const same = sample.filter((key) => picker.pick(key, 1) === picker.pick(key, 0));
    expect(same.length).toBeLessThan(sample.length / 5);
    for (const key of sample) expect(picker.pick(key, 2)).toBe(picker.pick(key, 2));
    const met = new Set(Array.from({ length: 60 }, (_, i) => picker.pick(keys[0]!, i)));
    expect(met.size).toBe(10);
  });

  test("of one host takes that one", () => {
    const hosts = makeHosts(1);
    for (const key of [0, 2 ** 53 - 1, 0n, 2n ** 64n - 1n]) {
      expect(make(equal(hosts)).pick(key, 0)).toBe(hosts[0]);
      expect(make(equal(hosts)).pick(key, 3)).toBe(hosts[0]);
    }
  });
});

describe("the ring", () => {
  const ringOf = (hosts: readonly Host[], sizeMin = 1_024, sizeMax = 8_388_608) =>
    new RingHashPicker(equal(hosts), { sizeMin, sizeMax });

  test("moves no key between two hosts that stay", () => {
    const hosts = makeHosts(10);
    // 103 places for each of ten and 114 for each of nine: a place more is a host's own gain.
    const moved = movedKeys(ringOf(hosts, 1_000), ringOf(without(hosts, 3), 900));
    for (const { from } of moved) expect(from).toBe(hosts[3]);
  });

  test("a key goes to the first place at or after it, and after the last to the first", () => {
    const hosts = makeHosts(3);
    const ring = ringOf(hosts, 12);
    const places = hosts
      .flatMap((host) => [0, 1, 2, 3].map((i) => ({ host, at: hash53(`${host.address}_${i}`) })))
      .sort((a, b) => a.at - b.at);
    for (const [i, { host, at }] of places.entries()) {
      const next = places[(i + 1) % places.length]!.host;
      expect(ring.pick(at, 0)).toBe(host);
      expect(ring.pick(at + 1, 0)).toBe(next);
      expect(ring.pick(at, 1)).toBe(next);
    }
    expect(ring.pick(0, 0)).toBe(places[0]!.host);
  });

  test("a bigint of 64 bits and its upper 53 bits are the same key", () => {
    const ring = ringOf(makeHosts(10));
    for (let i = 0; i < 1_000; i++) {
      expect(ring.pick(xxh64(`key-${i}`), 0)).toBe(ring.pick(hash53(`key-${i}`), 0));
    }
  });

  test("keeps to sizeMax: six places for four hosts are two, one, two and one", () => {
    // Running sums of 1.5 each, as in the comment of Envoy's ring_hash_lb.cc.
    const hosts = makeHosts(4);
    const ring = ringOf(hosts, 6, 6);
    const places = [2, 1, 2, 1].flatMap((count, i) =>
      Array.from({ length: count }, (_, copy) => ({
        host: hosts[i]!,
        at: hash53(`${hosts[i]!.address}_${copy}`),
      })),
    );
    for (const { host, at } of places) expect(ring.pick(at, 0)).toBe(host);
    const owners = new Set(places.map(({ at }) => at));
    const next = spread(1);
    for (let i = 0; i < 500; i++) {
      const key = next();
      const sorted = places.toSorted((a, b) => a.at - b.at);
      const owner = sorted.find(({ at }) => at >= key) ?? sorted[0]!;
      expect(ring.pick(key, 0)).toBe(owner.host);
    }
    expect(owners.size).toBe(6);
  });
});

describe("Maglev", () => {
  test("§3.4: with M over a hundred times the hosts, slots differ by 1 % at most", () => {
    for (const count of [3, 10, 100]) {
      const hosts = makeHosts(count);
      const slots = countPicks(new MaglevPicker(equal(hosts), M), hosts, M, (slot) => slot);
      expect(Math.max(...slots) - Math.min(...slots)).toBeLessThanOrEqual(1);
    }
  });

  test("slots are by weight, up to one for each host", () => {
    const list = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(list, (weights) => {
        const all = weighted(weights);
        const size = 5_003;
        const slots = countPicks(new MaglevPicker(all, size), all.hosts, size, (slot) => slot);
        const sum = weights.reduce((a, b) => a + b);
        for (const [i, weight] of weights.entries()) {
          expect(Math.abs(slots[i]! - (size * weight) / sum)).toBeLessThanOrEqual(weights.length);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("the table is listing 1 of the paper, by lists of preferences written out", () => {
    const size = 251;
    const hosts = makeHosts(7);
    const lists = hosts.map(({ address }) => {
      const offset = hashModulo(address, size);
      const skip = hashModulo(address, size - 1, 1) + 1;
      return Array.from({ length: size }, (_, j) => (offset + j * skip) % size);
    });
    const table: (Host | undefined)[] = new Array(size).fill(undefined);
    for (let taken = 0, i = 0; taken < size; taken++, i = (i + 1) % hosts.length) {
      table[lists[i]!.find((slot) => table[slot] === undefined)!] = hosts[i];
    }
    const picker = new MaglevPicker(equal(hosts), size);
    for (let slot = 0; slot < size; slot++) expect(picker.pick(slot, 0)).toBe(table[slot]);
  });

  test("another attempt is the slot of the hash XOR the complement of attempt - 1", () => {
    const hosts = makeHosts(10);
    const picker = new MaglevPicker(equal(hosts), M);
    const next = spread(7);
    for (let i = 0; i < 500; i++) {
      const hash = next();
      const attempt = (i % 5) + 1;
      const as53 = BigInt(hash) ^ ((1n << 53n) - BigInt(attempt));
      expect(picker.pick(hash, attempt)).toBe(picker.pick(Number(as53), 0));
      const as64 = BigInt(hash) ^ ((1n << 64n) - BigInt(attempt));
      expect(picker.pick(BigInt(hash), attempt)).toBe(picker.pick(as64, 0));
    }
  });
});
