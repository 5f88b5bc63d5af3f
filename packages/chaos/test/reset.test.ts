// How connections end when someone wants them to: RST by a fault, by a crash of one side, by a
// limit, and what the other side gets to know of it.

import { FaultProxy } from "@compendium/chaos";
import { expect, test } from "vitest";
import { Rig, settle, until } from "./helpers.ts";

test("reset strikes both sides of open connections and of each new one", async () => {
  await using rig = await Rig.start();
  const [client, server] = await rig.pair();
  await rig.proxy.set({ reset: {} });
  await until(() => client.errorCode === "ECONNRESET" && server.errorCode === "ECONNRESET");
  const later = await rig.client();
  await until(() => later.errorCode === "ECONNRESET");
  expect(rig.proxy.stats()).toMatchObject({ connectionsOpen: 0, resets: 2 });

  await rig.proxy.heal();
  const [again, there] = await rig.pair();
  again.socket.write("well");
  await until(() => there.text === "well");
});

test("reset with scope new leaves open connections alone", async () => {
  await using rig = await Rig.start();
  const [client, server] = await rig.pair();
  await rig.proxy.set({ reset: { scope: "new" } });
  const later = await rig.client();
  await until(() => later.errorCode === "ECONNRESET");
  client.socket.write("unharmed");
  await until(() => server.text === "unharmed");
});

test("afterMs counts from the fault, or from the connection if that is later", async () => {
  await using rig = await Rig.start();
  const [early] = await rig.pair();
  rig.clock.advance(5_000);
  await rig.proxy.set({ reset: { afterMs: 1_000 } });
  rig.clock.advance(600);
  const [late, lateServer] = await rig.pair();
  // The same faults again change nothing: they are a state.
  await rig.proxy.set({ reset: { afterMs: 1_000 } });
  rig.clock.advance(400);
  await until(() => early.errorCode === "ECONNRESET");
  rig.clock.advance(599);
  await settle();
  late.socket.write("alive");
  await until(() => lateServer.text === "alive");
  rig.clock.advance(1);
  await until(() => late.errorCode === "ECONNRESET");
  expect(rig.clock.pendingTimers).toBe(0);
});

test("a reset that is lifted in time does not come", async () => {
  await using rig = await Rig.start({ faults: { reset: { afterMs: 1_000 } } });
  const [client, server] = await rig.pair();
  await rig.proxy.heal();
  rig.clock.advance(10_000);
  client.socket.write("alive");
  await until(() => server.text === "alive");
});

test("resetAfterBytes cuts a response after exactly so many bytes", async () => {
  await using rig = await Rig.start({ faults: { downstream: { resetAfterBytes: 7 } } });
  const [client, server] = await rig.pair();
  client.socket.write("a request is not counted");
  await until(() => server.text.endsWith("counted"));
  server.socket.write("HTTP/1.1 200 OK");
  await until(() => client.errorCode === "ECONNRESET" && server.errorCode === "ECONNRESET");
  expect("HTTP/1.").toContain(client.text);
  expect(rig.proxy.stats()).toMatchObject({ resets: 1, downstream: { bytesDelivered: 7 } });
});

test("resetConnections strikes what is open, once, and says how many", async () => {
  await using rig = await Rig.start();
  const [first] = await rig.pair();
  const [second] = await rig.pair();
  expect(rig.proxy.resetConnections()).toBe(2);
  await until(() => first.errorCode === "ECONNRESET" && second.errorCode === "ECONNRESET");
  await rig.pair();
});

test("a crash of the client resets the server, behind what the client had sent", async () => {
  await using rig = await Rig.start({ faults: { upstream: { latencyMs: 100 } } });
  const [client, server] = await rig.pair();
  client.socket.write("last words");
  await until(() => rig.proxy.stats().upstream.bytesHeld === 10);
  client.socket.resetAndDestroy();
  await settle();
  expect([server.text, server.errorCode]).toEqual(["", undefined]);
  rig.clock.advance(100);
  await until(() => server.errorCode === "ECONNRESET");
  await until(() => rig.proxy.stats().connectionsOpen === 0);
  expect(rig.proxy.stats().resets).toBe(0);
});

test("a crash of the server behind a blackhole stays unknown to the client", async () => {
  await using rig = await Rig.start({ faults: { downstream: { blackhole: true } } });
  const [client, server] = await rig.pair();
  server.socket.resetAndDestroy();
  await settle();
  expect([client.errorCode, client.ended]).toEqual([undefined, false]);
  await rig.proxy.heal();
  await until(() => client.errorCode === "ECONNRESET");
  expect(rig.proxy.stats().dialFailures).toBe(0);
});

test("what a server says to a client that has crashed is not read any more", async () => {
  await using rig = await Rig.start({ faults: { upstream: { latencyMs: 100 } } });
  const [client, server] = await rig.pair();
  client.socket.resetAndDestroy();
  await settle();
  server.socket.write("into the void");
  await settle();
  expect(rig.proxy.stats().downstream).toMatchObject({ bytesReceived: 0, bytesDelivered: 0 });
});

test("a client that crashes before the server was dialled leaves nothing behind", async () => {
  await using rig = await Rig.start({ faults: { upstream: { blackhole: true } } });
  const client = await rig.client();
  await until(() => rig.proxy.stats().connectionsOpen === 1);
  client.socket.resetAndDestroy();
  await until(() => rig.proxy.stats().connectionsOpen === 0);
  await rig.proxy.heal();
  await settle();
  expect(rig.accepted).toHaveLength(0);
});

test("an upstream that is not there resets the client and is counted", async () => {
  // A port that has just been given back: nobody listens.
  const gone = await FaultProxy.listen({ upstream: { port: 1 } });
  const { port } = gone.address;
  await gone[Symbol.asyncDispose]();
  await using rig = await Rig.start({ upstream: { port } });
  const client = await rig.client();
  await until(() => client.errorCode === "ECONNRESET");
  await until(() => rig.proxy.stats().connectionsOpen === 0);
  expect(rig.proxy.stats()).toMatchObject({ dialFailures: 1, resets: 0 });
});

test("a connection above connectionsMax is reset and counted; a free place serves", async () => {
  await using rig = await Rig.start({ connectionsMax: 1 });
  const [client] = await rig.pair();
  const surplus = await rig.client();
  await until(() => surplus.errorCode === "ECONNRESET");
  expect(rig.proxy.stats()).toMatchObject({ connectionsOpen: 1, connectionsOverLimit: 1 });
  client.socket.resetAndDestroy();
  await until(() => rig.proxy.stats().connectionsOpen === 0);
  await rig.pair();
});

test("connections whose FIN is on its way out can be ended as well", async () => {
  await using rig = await Rig.start({ faults: { upstream: { latencyMs: 10 } } });
  const [client] = await rig.pair();
  client.socket.end("all of it");
  await until(() => rig.proxy.stats().upstream.bytesHeld > 0);
  await settle();
  // Hands the FIN to the socket, which is still shutting down when the next line is reached.
  rig.clock.advance(10);
  expect(rig.proxy.resetConnections()).toBe(1);
  await until(() => rig.proxy.stats().connectionsOpen === 0);
});
