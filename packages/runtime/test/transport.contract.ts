// What every Transport promises while the network is kind. (Partitions, loss and delay need a
// network that can be unkind: the simulated one.)

import { type Link, RuntimeError, type Transport } from "@compendium/runtime";
import { expect, test } from "vitest";

/** Two nodes of one network; `limits` are small, so that a test can reach them. */
export interface TransportUnderTest {
  a: Transport;
  b: Transport;
  /** An address at which `b` may listen. */
  address: string;
  /** An address at which nobody listens. */
  deserted: string;
  /** The largest message. */
  messageBytesMax: number;
}

type Make = () => Promise<TransportUnderTest>;

const text = (message: string): Uint8Array => new TextEncoder().encode(message);
const read = (message: Uint8Array): string => new TextDecoder().decode(message);

/** A link from a to b, both ends. */
async function linked(world: TransportUnderTest): Promise<{ near: Link; far: Link }> {
  const accepted = Promise.withResolvers<Link>();
  const listener = await world.b.listen(world.address, accepted.resolve);
  const near = await world.a.connect(listener.address);
  return { near, far: await accepted.promise };
}

/** The next `count` messages. */
async function take(link: Link, count: number): Promise<string[]> {
  const taken: string[] = [];
  for await (const message of link) {
    taken.push(read(message));
    if (taken.length === count) break;
  }
  return taken;
}

/** Sends until the queue is full for good, not only until the network has taken a little. */
async function fill(link: Link, message: Uint8Array): Promise<number> {
  for (let queued = 0; ; queued++) {
    // A kernel holds a few megabytes; more means that nothing holds the sender back.
    expect(queued * message.length).toBeLessThan(2 ** 26);
    if (link.send(message) === "queued") continue;
    const patience = new Promise((resolve) => setTimeout(resolve, 50, "full"));
    const outcome = await Promise.race([link.drained(), patience]);
    if (outcome === "full") return queued;
    expect(link.send(message)).toBe("queued");
  }
}

export function describeTransport(make: Make): void {
  describeMessages(make);
  describeBackpressure(make);
  describeEnds(make);
}

function describeMessages(make: Make): void {
  test("messages arrive whole, in order, both ways at once, empty ones as well", async () => {
    const { near, far } = await linked(await make());
    for (const message of ["one", "", "three"]) expect(near.send(text(message))).toBe("queued");
    for (const message of ["", "zwei"]) expect(far.send(text(message))).toBe("queued");
    expect(await take(far, 3)).toEqual(["one", "", "three"]);
    expect(await take(near, 2)).toEqual(["", "zwei"]);
  });

  test("an iteration that was left is continued by the next", async () => {
    const { near, far } = await linked(await make());
    for (let i = 0; i < 5; i++) near.send(text(`${i}`));
    expect(await take(far, 2)).toEqual(["0", "1"]);
    expect(await take(far, 3)).toEqual(["2", "3", "4"]);
  });

  test("the largest message arrives, one byte more is refused as misuse", async () => {
    const world = await make();
    const { near, far } = await linked(world);
    const { messageBytesMax: max } = world;
    const largest = new Uint8Array(max).fill(7);
    expect(near.send(largest)).toBe("queued");
    for await (const message of far) {
      expect(message.length).toBe(world.messageBytesMax);
      expect(message.every((byte) => byte === 7)).toBe(true);
      break;
    }
    expect(() => near.send(new Uint8Array(world.messageBytesMax + 1))).toThrow(
      new RangeError(`message must have at most ${max} bytes, got ${max + 1}`),
    );
  });

  test("only one iteration at a time", async () => {
    const { near } = await linked(await make());
    near[Symbol.asyncIterator]();
    expect(() => near[Symbol.asyncIterator]()).toThrow(new TypeError("one iteration at a time"));
  });
}

function describeBackpressure(make: Make): void {
  test("a receiver that does not iterate makes the queue full, and loses nothing", async () => {
    const world = await make();
    const { near, far } = await linked(world);
    const message = new Uint8Array(world.messageBytesMax / 4);
    const queued = await fill(near, message);
    const drained = near.drained();
    expect(await take(far, queued)).toHaveLength(queued);
    await drained;
    expect(near.send(message)).toBe("queued");
  });

  test("drained resolves at once with room, and rejects in the turn of an abort", async () => {
    const world = await make();
    const { near } = await linked(world);
    await near.drained();
    const reason = new Error("enough");
    await expect(near.drained({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await fill(near, new Uint8Array(world.messageBytesMax));
    const controller = new AbortController();
    let settled = false;
    const drained = near.drained({ signal: controller.signal }).catch((error: unknown) => {
      settled = true;
      return error;
    });
    controller.abort(reason);
    await Promise.resolve();
    await Promise.resolve();
    expect(settled).toBe(true);
    expect(await drained).toBe(reason);
  });
}

function describeEnds(make: Make): void {
  test("closing sends what is queued, and ends the peer's iteration without a fault", async () => {
    const { near, far } = await linked(await make());
    for (let i = 0; i < 100; i++) near.send(text(`${i}`));
    const closing = near.close();
    const received: string[] = [];
    for await (const message of far) received.push(read(message));
    expect(received).toHaveLength(100);
    await closing;
    expect(await near.closed).toBeUndefined();
    expect(await far.closed).toBeUndefined();
    expect([near.send(text("x")), far.send(text("x"))]).toEqual(["closed", "closed"]);
    await near.drained();
    await near[Symbol.asyncDispose]();
  });

  test("closing ends the own iteration, and drops what was not taken", async () => {
    const { near, far } = await linked(await make());
    far.send(text("lost"));
    const iteration = take(near, 2);
    await near.close();
    expect((await iteration).length).toBeLessThanOrEqual(1);
    expect(await take(near, 1)).toEqual([]);
  });

  test("destroy closes at once, on both sides", async () => {
    const { near, far } = await linked(await make());
    near.destroy();
    near.destroy();
    expect(near.send(text("x"))).toBe("closed");
    await near.closed;
    await far.closed;
    expect(far.send(text("x"))).toBe("closed");
  });

  test("a closed listener takes no more links; those that it took live on", async () => {
    const world = await make();
    const accepted = Promise.withResolvers<Link>();
    const listener = await world.b.listen(world.address, accepted.resolve);
    const near = await world.a.connect(listener.address);
    const far = await accepted.promise;
    await listener.close();
    await listener[Symbol.asyncDispose]();
    const refused = await world.a.connect(listener.address).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "CONNECT_FAILED" });
    near.send(text("still here"));
    expect(await take(far, 1)).toEqual(["still here"]);
  });

  test("an address has one listener; nobody at an address is CONNECT_FAILED", async () => {
    const world = await make();
    const listener = await world.b.listen(world.address, () => {});
    const again = await world.b.listen(listener.address, () => {}).catch((error: unknown) => error);
    expect(again).toBeInstanceOf(RuntimeError);
    expect(again).toMatchObject({ code: "ADDRESS_IN_USE" });
    const nobody = await world.a.connect(world.deserted).catch((error: unknown) => error);
    expect(nobody).toBeInstanceOf(RuntimeError);
    expect(nobody).toMatchObject({ code: "CONNECT_FAILED" });
  });

  test("connecting rejects with the signal's reason", async () => {
    const world = await make();
    const reason = new Error("enough");
    const listener = await world.b.listen(world.address, () => {});
    const early = world.a.connect(listener.address, { signal: AbortSignal.abort(reason) });
    await expect(early).rejects.toBe(reason);
    const controller = new AbortController();
    const connecting = world.a.connect(listener.address, { signal: controller.signal });
    controller.abort(reason);
    await expect(connecting).rejects.toBe(reason);
  });
}
