// Each fault on real sockets, as a contrast: with it and without it. Time is a manual clock, so a
// latency of an hour passes when the test says so.

import { once } from "node:events";
import { connect } from "node:net";
import { FaultProxy } from "@compendium/chaos";
import { expect, test } from "vitest";
import { pattern, Rig, settle, until } from "./helpers.ts";

test("without faults bytes pass both ways, unchanged and in order", async () => {
  await using rig = await Rig.start();
  const [client, server] = await rig.pair();
  const bytes = pattern(3_000_000);
  client.socket.write(bytes);
  server.socket.write("hello");
  await until(() => server.received.length === bytes.length && client.text === "hello");
  expect(server.received.equals(bytes)).toBe(true);
  expect(rig.proxy.stats()).toMatchObject({
    connectionsOpen: 1,
    upstream: { bytesReceived: 3_000_000, bytesDelivered: 3_000_000, bytesHeld: 0 },
    downstream: { bytesReceived: 5, bytesDelivered: 5, bytesHeld: 0 },
  });
});

test("a FIN passes on behind the bytes before it, and the other direction stays open", async () => {
  await using rig = await Rig.start({ faults: { upstream: { latencyMs: 1_000 } } });
  const [client, server] = await rig.pair();
  client.socket.end("request");
  await until(() => rig.proxy.stats().upstream.bytesHeld === 7);
  await settle();
  expect([server.text, server.ended]).toEqual(["", false]);

  rig.clock.advance(1_000);
  await until(() => server.ended);
  expect(server.text).toBe("request");
  server.socket.end("response");
  await until(() => client.ended);
  expect(client.text).toBe("response");
  await until(() => rig.proxy.stats().connectionsOpen === 0);
});

test("a server may finish first and still listen", async () => {
  await using rig = await Rig.start();
  const [client, server] = await rig.pair();
  server.socket.end("that is all from me");
  await until(() => client.ended);
  client.socket.end("not from me");
  await until(() => server.ended);
  expect([client.text, server.text]).toEqual(["that is all from me", "not from me"]);
});

test("latency holds bytes back until its time, in its direction alone", async () => {
  await using rig = await Rig.start();
  const [client, server] = await rig.pair();
  await rig.proxy.set({ downstream: { latencyMs: 600_000 } });
  client.socket.write("ping");
  server.socket.write("pong");
  await until(() => server.text === "ping" && rig.proxy.stats().downstream.bytesHeld === 4);
  rig.clock.advance(599_999);
  await settle();
  expect(client.text).toBe("");
  rig.clock.advance(1);
  await until(() => client.text === "pong");
});

test("bandwidth lets so many bytes a second through, smoothly", async () => {
  await using rig = await Rig.start({
    faults: { upstream: { bandwidthBytesPerSecond: 100_000 } },
  });
  const [client, server] = await rig.pair();
  const bytes = pattern(200_000);
  client.socket.write(bytes);
  await until(() => rig.proxy.stats().upstream.bytesHeld > 0);
  for (let passedMs = 100; passedMs <= 1_000; passedMs += 100) {
    for (let step = 0; step < 10; step++) {
      rig.clock.advance(10);
      await until(() => rig.proxy.stats().upstream.bytesDelivered === server.received.length);
    }
    expect(server.received.length).toBeLessThanOrEqual(100 * passedMs + 2_001);
    expect(server.received.length).toBeGreaterThanOrEqual(100 * passedMs - 2_001);
  }
  await rig.proxy.heal();
  await until(() => server.received.length === bytes.length);
  expect(server.received.equals(bytes)).toBe(true);
});

test("a blackhole swallows both directions and heals in order", async () => {
  await using rig = await Rig.start();
  const [client, server] = await rig.pair();
  client.socket.write("a");
  await until(() => server.text === "a");

  await rig.proxy.set({ both: { blackhole: true } });
  client.socket.write("b");
  client.socket.end("c");
  server.socket.write("x");
  await until(() => rig.proxy.stats().upstream.bytesHeld === 2);
  rig.clock.advance(600_000);
  await settle();
  expect([server.text, server.ended, client.text]).toEqual(["a", false, ""]);

  await rig.proxy.heal();
  await until(() => server.ended && client.text === "x");
  expect(server.text).toBe("abc");
});

test("a connection opened into a blackhole reaches the server only once it is lifted", async () => {
  await using rig = await Rig.start({ faults: { both: { blackhole: true } } });
  const client = await rig.client();
  client.socket.write("hello?");
  await until(() => rig.proxy.stats().upstream.bytesHeld === 6);
  await settle();
  expect(rig.accepted).toHaveLength(0);
  await rig.proxy.heal();
  await until(() => rig.accepted[0]?.text === "hello?");
});

test("a one-way cut silences one direction while the other flows", async () => {
  await using rig = await Rig.start({ faults: { downstream: { blackhole: true } } });
  const [client, server] = await rig.pair();
  client.socket.write("charge the card");
  await until(() => server.text === "charge the card");
  server.socket.write("charged");
  await until(() => rig.proxy.stats().downstream.bytesHeld === 7);
  await settle();
  expect(client.text).toBe("");
  await rig.proxy.heal();
  await until(() => client.text === "charged");
});

test("refuse gives ECONNREFUSED, keeps what is open, and ends on the same port", async () => {
  await using rig = await Rig.start();
  const [client, server] = await rig.pair();
  const { address } = rig.proxy;
  await rig.proxy.set({ refuse: true });

  const refused = connect(address);
  const [error] = await once(refused, "error");
  expect(error.code).toBe("ECONNREFUSED");
  client.socket.write("still here");
  await until(() => server.text === "still here");

  await rig.proxy.heal();
  expect(rig.proxy.address).toEqual(address);
  await rig.pair();
});

test("disposal closes the port, both sides of every connection, and every timer", async () => {
  await using rig = await Rig.start({ faults: { both: { latencyMs: 1_000 } } });
  const [client, server] = await rig.pair();
  client.socket.write("late");
  await until(() => rig.clock.pendingTimers === 1);
  const { address } = rig.proxy;
  await rig.proxy[Symbol.asyncDispose]();
  expect(rig.proxy.stats()).toMatchObject({ connectionsOpen: 0, resets: 0 });
  await rig.proxy[Symbol.asyncDispose]();
  expect(rig.clock.pendingTimers).toBe(0);
  await until(() => client.closed && server.closed);
  // Not a FIN: it would make a truncated stream look complete.
  expect([client.errorCode, server.errorCode]).toEqual(["ECONNRESET", "ECONNRESET"]);
  const [error] = await once(connect(address), "error");
  expect(error.code).toBe("ECONNREFUSED");
  await expect(rig.proxy.heal()).rejects.toMatchObject({ code: "CLOSED" });
});

test("an aborted listen rejects with the reason and leaves the port free", async () => {
  const upstream = { port: 1 };
  const before = await FaultProxy.listen({ upstream });
  const listen = before.address;
  await before[Symbol.asyncDispose]();

  const reason = new Error("changed my mind");
  const signal = AbortSignal.abort(reason);
  await expect(FaultProxy.listen({ upstream, listen, signal })).rejects.toBe(reason);

  const late = new AbortController();
  const listening = FaultProxy.listen({ upstream, listen, signal: late.signal });
  late.abort(reason);
  await expect(listening).rejects.toBe(reason);
  await settle();
  const [error] = await once(connect(listen), "error");
  expect(error.code).toBe("ECONNREFUSED");
});

test("the n-th connection draws the same jitter for a seed, whatever others do", async () => {
  const delayOfSecond = async (seed: number, chatter: number): Promise<number> => {
    await using rig = await Rig.start({
      seed,
      faults: { upstream: { latencyMs: 1_000, jitterMs: 1_000 } },
    });
    const [first, firstServer] = await rig.pair();
    const [second] = await rig.pair();
    for (let i = 1; i <= chatter; i++) {
      first.socket.write(".");
      await until(() => rig.clock.pendingTimers === 1);
      rig.clock.advance(2_000);
      await until(() => firstServer.text.length === i);
    }
    second.socket.write("now");
    await until(() => rig.clock.pendingTimers === 1);
    return (rig.clock.nextTimerMs ?? 0) - rig.clock.now();
  };
  const delay = await delayOfSecond(7, 0);
  expect(await delayOfSecond(7, 3)).toBe(delay);
  expect(await delayOfSecond(8, 0)).not.toBe(delay);
});
