// Memory has a limit: whoever does not read stops whoever writes, all the way through.

import { expect, test } from "vitest";
import { pattern, Rig, settle, until } from "./helpers.ts";

test("a receiver that stops reading stops the sender, and loses nothing", async () => {
  await using rig = await Rig.start({ bufferBytesMax: 10_000 });
  const [client, server] = await rig.pair();
  server.socket.pause();
  const bytes = pattern(20_000_000);
  client.socket.write(bytes);
  await until(() => rig.proxy.stats().upstream.bytesHeld === 10_000);
  await settle();
  const { bytesReceived, bytesDelivered } = rig.proxy.stats().upstream;
  expect(bytesReceived - bytesDelivered).toBe(10_000);
  expect(bytesReceived).toBeLessThan(bytes.length);
  expect(client.socket.writableNeedDrain).toBe(true);
  // No timer wakes up to find the receiver still not reading.
  expect(rig.clock.pendingTimers).toBe(0);

  server.socket.resume();
  await until(() => server.received.length === bytes.length);
  expect(server.received.equals(bytes)).toBe(true);
});

test("a blackhole holds bufferBytesMax and leaves the rest with the sender", async () => {
  await using rig = await Rig.start({
    bufferBytesMax: 10_000,
    faults: { upstream: { blackhole: true } },
  });
  const client = await rig.client();
  const bytes = pattern(10_000_000);
  client.socket.end(bytes);
  await until(() => rig.proxy.stats().upstream.bytesHeld === 10_000);
  await settle();
  expect(rig.proxy.stats().upstream).toMatchObject({ bytesReceived: 10_000, bytesDelivered: 0 });
  await rig.proxy.heal();
  await until(() => rig.accepted[0]?.ended === true);
  expect(rig.accepted[0]?.received.equals(bytes)).toBe(true);
});

test("a FIN that comes while the pipe is full is passed on behind the rest", async () => {
  await using rig = await Rig.start({
    bufferBytesMax: 10,
    faults: { upstream: { blackhole: true } },
  });
  const client = await rig.client();
  client.socket.end("more than ten bytes");
  await until(() => rig.proxy.stats().upstream.bytesHeld === 10);
  await settle();
  await rig.proxy.heal();
  await until(() => rig.accepted[0]?.ended === true);
  expect(rig.accepted[0]?.text).toBe("more than ten bytes");
});

test("an idle connection has no timer, whatever faults are in force", async () => {
  await using rig = await Rig.start({
    faults: { both: { latencyMs: 50, jitterMs: 10, bandwidthBytesPerSecond: 1_000 } },
  });
  const [client, server] = await rig.pair();
  client.socket.write("x");
  await until(() => rig.clock.pendingTimers === 1);
  rig.clock.advance(100);
  await until(() => server.text === "x");
  expect(rig.clock.pendingTimers).toBe(0);
});
