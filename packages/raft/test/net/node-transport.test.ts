// The same links over TCP, in real time. Nothing here is about how long something takes.

import type { Message } from "@compendium/raft";
import { systemClock, systemRandom } from "@compendium/runtime";
import { NodeTransport } from "@compendium/runtime/node";
import { expect, onTestFinished, test } from "vitest";
import { PeerLinks, type PeerReceiver } from "../../src/net/index.ts";
import { append, beat, snapshot } from "./world.ts";

class Recorder implements PeerReceiver {
  readonly received: Message[] = [];
  readonly settled: (readonly [number, boolean])[] = [];
  #onChange: () => void = () => {};

  receive(message: Message): void {
    this.received.push(message);
    this.#onChange();
  }

  unreachable(): void {}

  snapshotSettled(id: number, delivered: boolean): void {
    this.settled.push([id, delivered]);
    this.#onChange();
  }

  admit(): undefined {}

  refused(): void {}

  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#onChange = () => {
        if (condition()) resolve();
      };
      this.#onChange();
    });
  }
}

async function pair() {
  const sides = [];
  for (const id of [1, 2]) {
    const transport = new NodeTransport();
    const world = { transport, clock: systemClock, random: systemRandom };
    const links = new PeerLinks({ ...world, group: "g", address: "127.0.0.1:0" });
    const heard = new Recorder();
    await links.start({ id, diskId: id }, heard);
    onTestFinished(async () => {
      await links.close();
      expect(transport.stats().links).toBe(0);
      await transport.close();
    });
    sides.push({ links, heard, transport });
  }
  const addresses = new Map(sides.map(({ links }, at) => [at + 1, links.address]));
  for (const { links } of sides) links.setPeers(addresses);
  return sides as [(typeof sides)[0], (typeof sides)[0]];
}

test("messages go both ways over TCP, each once and in order", async () => {
  const [one, two] = await pair();
  for (let index = 1; index <= 500; index++) {
    one.links.send([append(1, 2, index, 1_000)]);
    two.links.send([beat(2, 1, index)]);
    if (index % 50 === 0) await new Promise(setImmediate);
  }
  await two.heard.until(() => two.heard.received.length === 500);
  await one.heard.until(() => one.heard.received.length === 500);
  expect(two.heard.received.map(({ index }) => index)).toEqual(
    Array.from({ length: 500 }, (_, at) => at),
  );
  expect(two.heard.received.at(-1)).toEqual(append(1, 2, 500, 1_000));
  const { messagesSent, messagesReceived, messagesDropped } = one.links.stats();
  expect([messagesSent, messagesReceived, messagesDropped]).toEqual([500, 500, 0]);
});

test("a snapshot of some megabytes goes over TCP beside them", async () => {
  const [one, two] = await pair();
  const sent = snapshot(1, 2, 9, 5_000_001);
  one.links.send([sent, beat(1, 2)]);
  await one.heard.until(() => one.heard.settled.length === 1);
  expect(one.heard.settled).toEqual([[2, true]]);
  const arrived = two.heard.received.find(({ type }) => type === "snapshot");
  expect(Buffer.compare(arrived?.snapshot?.data ?? NONE, sent.snapshot?.data ?? NONE)).toBe(0);
  expect(arrived?.snapshot?.confState).toEqual(sent.snapshot?.confState);
  expect(two.heard.received).toHaveLength(2);
});

test("a member that starts anew at its address is found again", async () => {
  const [one, two] = await pair();
  one.links.send([beat(1, 2, 1)]);
  await two.heard.until(() => two.heard.received.length === 1);
  const { address } = two.links;
  await two.links.close();
  const heard = new Recorder();
  const world = { transport: two.transport, clock: systemClock, random: systemRandom };
  const again = new PeerLinks({ ...world, group: "g", address });
  await again.start({ id: 2, diskId: 2 }, heard);
  let beats = 1;
  const timer = setInterval(() => one.links.send([beat(1, 2, ++beats)]), 5);
  onTestFinished(() => clearInterval(timer));
  await heard.until(() => heard.received.length > 2);
  clearInterval(timer);
  await again.close();
  const commits = [...two.heard.received, ...heard.received].map(({ commit }) => commit);
  expect(commits).toEqual([...new Set(commits)].sort((a, b) => a - b));
});

const NONE = new Uint8Array(0);
