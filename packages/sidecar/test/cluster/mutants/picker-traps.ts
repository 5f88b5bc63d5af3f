// Short programs on a copy of the algorithms; each throws where the copy falls into its trap.
import assert from "node:assert/strict";
import { SeededRandom } from "@compendium/runtime";
import type { Host } from "../../../src/cluster/host.ts";
import { countPicks, equal, makeHosts, spread, weighted } from "../../balance/helpers.ts";
import type { Subject } from "./subject.ts";

const near = (actual: number, expected: number, tolerance: number): void => {
  const message = `${actual} is not within ${tolerance} of ${expected}`;
  assert.ok(Math.abs(actual - expected) <= tolerance, message);
};

export const pickerTraps: readonly ((subject: Subject) => void)[] = [
  function scheduleByWeight({ edf }) {
    const weights = [1, 2, 3, 10];
    const schedule = new edf.EdfSchedule(4, (item) => weights[item]!, new SeededRandom(1));
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 1_600; i++) counts[schedule.pick()]!++;
    for (const [i, weight] of weights.entries()) near(counts[i]!, 100 * weight, weight + 1);
  },

  function anybodyIsFirst({ edf, roundRobin }) {
    const random = new SeededRandom(1);
    const hosts = makeHosts(4);
    const inTurn = new Set<Host>();
    const bySchedule = new Set<number>();
    for (let i = 0; i < 60; i++) {
      inTurn.add(roundRobin.roundRobin(equal(hosts), undefined, random).pick(0, 0));
      bySchedule.add(new edf.EdfSchedule(4, () => 1, random).pick());
    }
    assert.equal(inTurn.size, 4);
    assert.equal(bySchedule.size, 4);
  },

  function everybodyInTurn({ roundRobin }) {
    const hosts = makeHosts(5);
    const picker = roundRobin.roundRobin(equal(hosts), undefined, new SeededRandom(1));
    assert.deepEqual(countPicks(picker, hosts, 15), [3, 3, 3, 3, 3]);
  },

  function drawsByWeight({ alias }) {
    const weights = [1, 1, 4, 4];
    const table = new alias.AliasTable(weights, new SeededRandom(1));
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 10_000; i++) counts[table.draw()]!++;
    for (const [i, weight] of weights.entries()) near(counts[i]!, 1_000 * weight, 250);
  },

  function fewestRequests({ leastRequest }) {
    const hosts = makeHosts(2);
    hosts[0]!.numbers.activeRequests = 1;
    const options = { choices: 8, activeBias: 1 };
    const random = new SeededRandom(1);
    const picker = leastRequest.leastRequest(equal(hosts), options, undefined, random);
    assert.ok(countPicks(picker, hosts, 100)[1]! > 95);
    const all = weighted([2, 8]);
    all.hosts[1]!.numbers.activeRequests = 3;
    const byWeight = leastRequest.leastRequest(all, options, undefined, random);
    near(countPicks(byWeight, all.hosts, 1_000)[0]!, 500, 5);
  },

  function peaksAndDecay({ peakEwma }) {
    const [host] = makeHosts(1);
    const { observeLatency, peakEwmaCost } = peakEwma;
    assert.equal(peakEwmaCost(host!, 0, 100), 0);
    host!.numbers.activeRequests = 1;
    assert.ok(peakEwmaCost(host!, 0, 100) > 1e12);
    observeLatency(host!, 10, 0, 100);
    observeLatency(host!, 50, 1, 100);
    assert.equal(peakEwmaCost(host!, 1, 100), 100);
    near(peakEwmaCost(host!, 101, 100), 100 / Math.E, 1e-9);
    observeLatency(host!, 0, 101, 100);
    near(host!.numbers.latencyMs, 50 / Math.E, 1e-9);
  },

  function cheaperOfTwo({ peakEwma }) {
    const hosts = makeHosts(2);
    for (const [i, host] of hosts.entries()) peakEwma.observeLatency(host, 10 - i, 0, 100);
    const clock = { now: () => 0 };
    const random = new SeededRandom(1);
    const picker = new peakEwma.PeakEwmaPicker(equal(hosts), 100, clock, random);
    assert.deepEqual(countPicks(picker, hosts, 50), [0, 50]);
  },

  function slowlyUpToAll({ slowStart, roundRobin }) {
    const [host] = makeHosts(1);
    const clock = { nowMs: 0, now: () => clock.nowMs };
    const make = (aggression: number, weightMin: number) => {
      return new slowStart.SlowStart({ windowMs: 100, aggression, weightMin }, clock);
    };
    assert.ok(make(1, 0).factor(host!) > 0);
    assert.equal(make(1, 10).factor(host!), 0.1);
    clock.nowMs = 25;
    near(make(2, 10).factor(host!), 0.5, 1e-9);
    assert.equal(make(1, 10).factor(host!), 0.25);
    host!.isHealthy = false;
    assert.equal(make(1, 10).factor(host!), 1);
    // Equal weights, of which one grows, are not equal.
    const hosts = makeHosts(2);
    hosts[1]!.healthySinceMs = -100;
    const picker = roundRobin.roundRobin(equal(hosts), make(1, 10), new SeededRandom(1));
    near(countPicks(picker, hosts, 500)[0]!, 100, 3);
  },

  function placesOnTheRing({ ringHash, xxh64 }) {
    const all = weighted([1, 3]);
    const picker = new ringHash.RingHashPicker(all, { sizeMin: 8, sizeMax: 1_000 });
    const places = all.hosts
      .flatMap((host, i) =>
        Array.from({ length: i === 0 ? 2 : 6 }, (_, copy) => {
          return { host, at: xxh64.hash53(`${host.address}_${copy}`) };
        }),
      )
      .sort((a, b) => a.at - b.at);
    for (const [i, { host, at }] of places.entries()) {
      const next = places[(i + 1) % places.length]!.host;
      assert.equal(picker.pick(at, 0), host);
      assert.equal(picker.pick(at + 1, 0), next);
      assert.equal(picker.pick(at, 1), next);
    }
  },

  function slotsOfMaglev({ maglev, xxh64 }) {
    const size = 251;
    const all = weighted([1, 1, 2]);
    const backwards = { hosts: all.hosts.toReversed(), weights: all.weights.toReversed() };
    const picker = new maglev.MaglevPicker(backwards, size);
    const lists = all.hosts.map(({ address }) => {
      const offset = Number(xxh64.xxh64(address) % 251n);
      const skip = Number(xxh64.xxh64(address, 1n) % 250n) + 1;
      return Array.from({ length: size }, (_, j) => (offset + j * skip) % size);
    });
    const table = new Map<number, Host>();
    // Of two turns, the heavy host takes both and a light one takes the first, as its weight is
    // due.
    for (let turn = 1; table.size < size; turn++) {
      for (const [i, host] of all.hosts.entries()) {
        const isDue = all.weights[i] === 2 || turn === 1 || turn % 2 === 0;
        const slot = lists[i]!.find((each) => !table.has(each));
        const had = [...table.values()].filter((each) => each === host).length;
        if (isDue && slot !== undefined && turn * all.weights[i]! >= had * 2) table.set(slot, host);
      }
    }
    for (const [slot, host] of table) assert.equal(picker.pick(slot, 0), host);
  },

  function anotherAttempt({ maglev }) {
    const hosts = makeHosts(10);
    const picker = new maglev.MaglevPicker(equal(hosts), 65_537);
    const next = spread(1);
    let same = 0;
    for (let i = 0; i < 500; i++) {
      const hash = next();
      if (picker.pick(hash, 1) === picker.pick(hash, 2)) same++;
      if (picker.pick(hash, 1) === picker.pick(hash, 0)) same++;
    }
    assert.ok(same < 250);
  },
];
