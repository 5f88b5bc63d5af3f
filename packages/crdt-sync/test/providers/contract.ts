// What every provider must do: links as runtime's Transport describes them, and nodes that come to
// have the same over them.
import { Text } from "@compendium/crdt";
import { SyncNode } from "@compendium/crdt-sync";
import type { Link, Transport } from "@compendium/runtime";
import { describe, expect, test } from "vitest";

/** A transport, and an address that it can listen on. */
export interface Provider {
  readonly transport: Transport;
  readonly address: string;
}

/** Waits until something holds: counted turns of the event loop, no promise about time. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}

export function describeProvider(name: string, make: () => Provider): void {
  const linked = async () => {
    const { transport, address } = make();
    const taken = Promise.withResolvers<Link>();
    const listener = await transport.listen(address, (link) => taken.resolve(link));
    const near = await transport.connect(listener.address);
    return { transport, listener, near, far: await taken.promise };
  };
  const next = async (link: Link) => (await link[Symbol.asyncIterator]().next()).value;

  describe(name, () => {
    test("carries whole messages in order, both ways, the empty one too", async () => {
      const { listener, near, far } = await linked();
      for (let i = 0; i < 50; i++) near.send(new Uint8Array(i * 1_000).fill(i));
      const iterator = far[Symbol.asyncIterator]();
      for (let i = 0; i < 50; i++) {
        const { value } = await iterator.next();
        expect([value?.length, value?.at(-1)]).toEqual([i * 1_000, i === 0 ? undefined : i]);
      }
      far.send(Uint8Array.of(7));
      expect(await next(near)).toEqual(Uint8Array.of(7));
      near.destroy();
      await Promise.all([near.closed, far.closed, listener.close()]);
    });

    test("an end that is closed ends the other, and takes nothing more", async () => {
      const { listener, near, far } = await linked();
      near.send(Uint8Array.of(1));
      const received = next(far);
      expect(await received).toEqual(Uint8Array.of(1));
      await near.close();
      expect(near.send(Uint8Array.of(2))).toBe("closed");
      await far.closed;
      expect(far.send(Uint8Array.of(3))).toBe("closed");
      await listener.close();
    });

    test("a sender whose peer does not read is told that the queue is full", async () => {
      const { listener, near, far } = await linked();
      const message = new Uint8Array(2 ** 20);
      let sent = 0;
      while (near.send(message) === "queued") {
        sent++;
        expect(sent).toBeLessThan(200);
        await new Promise((resolve) => setImmediate(resolve));
      }
      const drained = near.drained();
      const iterator = far[Symbol.asyncIterator]();
      for (let i = 0; i < sent; i++) expect((await iterator.next()).value?.length).toBe(2 ** 20);
      await drained;
      expect(near.send(Uint8Array.of(1))).toBe("queued");
      near.destroy();
      await Promise.all([near.closed, far.closed, listener.close()]);
    });

    test("refuses a message above the limit, an address in use, and nobody there", async () => {
      const { transport, listener, near, far } = await linked();
      expect(() => near.send(new Uint8Array(2 ** 22 + 1))).toThrow(RangeError);
      await expect(transport.listen(listener.address, () => {})).rejects.toMatchObject({
        code: "ADDRESS_IN_USE",
      });
      near.destroy();
      await Promise.all([near.closed, far.closed, listener.close()]);
      await expect(transport.connect(listener.address)).rejects.toMatchObject({
        code: "CONNECT_FAILED",
      });
      const reason = new Error("no longer wanted");
      const aborted = transport.connect(listener.address, { signal: AbortSignal.abort(reason) });
      await expect(aborted).rejects.toBe(reason);
    });

    test("two nodes come to have the same, and again after the link has gone", async () => {
      await syncTwice(make());
    });
  });
}

async function syncTwice({ transport, address }: Provider): Promise<void> {
  await using eu = new SyncNode({ name: "eu", retryMs: 5, retryMsMax: 20 });
  await using us = new SyncNode({ name: "us", retryMs: 5, retryMsMax: 20 });
  const [here, there] = [new Text("eu"), new Text("us")];
  const hereHandle = await eu.open("notes", here);
  const thereHandle = await us.open("notes", there);
  const links: Link[] = [];
  const listener = await transport.listen(address, (link) => {
    links.push(link);
    void us.attach(link);
  });
  eu.connect(transport, listener.address);
  here.insert(0, "x".repeat(300_000));
  there.insert(0, "there");
  await until(() => here.length === 300_005 && there.length === 300_005);
  expect(here.digest()).toBe(there.digest());
  thereHandle.setPresence({ at: 1 });
  await until(() => hereHandle.presences.length === 1);
  links[0]?.destroy();
  await until(() => hereHandle.presences.length === 0 || links.length > 1);
  here.insert(0, "again");
  await until(() => there.length === 300_010);
  // The link that came back carried what was new, and not the 300,000 once more.
  expect(eu.stats().bytesOut).toBeLessThan(310_000);
  expect(here.digest()).toBe(there.digest());
  await until(() => hereHandle.presences.length === 1);
  await listener.close();
}
