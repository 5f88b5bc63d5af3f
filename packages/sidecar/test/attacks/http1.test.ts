// Attacks by HTTP/1.1: connections that are slow on purpose, and requests that cost more to read
// than to send. What ends them is a count or a timer; the timers are the test's.
import { expect, test } from "vitest";
import { Attacker, besideVictims, type Scene, startScene, turns, until } from "./scene.ts";

const host = "Host: a.example\r\n";

test("slow heads (slowloris): the time runs from the first byte, however many follow it", async () => {
  await using scene = await startScene();
  const attackers = Array.from({ length: 50 }, () => new Attacker(scene.proxy.port));
  await besideVictims(scene, async () => {
    for (const attacker of attackers) await attacker.write("GET / HTTP/1.1\r\n");
    await until(() => scene.connections() >= 50);
  });
  for (let second = 0; second < 9; second++) {
    scene.clock.advance(1_000);
    for (const [i, attacker] of attackers.entries())
      await attacker.write(`X-${i}-${second}: a\r\n`);
  }
  expect(scene.stats().timeouts.head).toBe(0);
  scene.clock.advance(1_000);
  await until(() => scene.stats().timeouts.head === 50);
  // Each is told why (408), and is gone a second later although it does not close.
  await until(() => attackers.every(({ hasEnded }) => hasEnded));
  for (const { received } of attackers)
    expect(received.toString("latin1")).toMatch(/^HTTP\/1.1 408 /);
  scene.clock.advance(1_000);
  await until(() => scene.connections() === 0);
  expect(scene.begun()).toBe(scene.proxy.plane.managerOf("in", "http")?.numbers.requests);
});

test("a slow body that stops: the stream was idle, and the client is told with 408", async () => {
  await using scene = await startScene();
  using attacker = new Attacker(scene.proxy.port);
  await attacker.write(`POST /victim HTTP/1.1\r\n${host}Content-Length: 1000\r\n\r\n`);
  await until(() => scene.begun() === 1);
  for (let i = 0; i < 3; i++) {
    scene.clock.advance(299_999);
    await attacker.write("a");
    await turns(5);
  }
  expect(scene.connections()).toBe(1);
  scene.clock.advance(300_000);
  await until(() => attacker.received.length > 0);
  expect(attacker.received.toString("latin1")).toMatch(/^HTTP\/1.1 408 /);
  scene.clock.advance(1_000);
  await until(() => scene.connections() === 0);
  expect(scene.idleTimeouts()).toBe(1);
});

test("a slow body that never stops (slow POST): request_timeout ends it, with 408", async () => {
  const timers = {
    idleTimeoutMs: 3_600_000,
    streamIdleTimeoutMs: 300_000,
    requestTimeoutMs: 60_000,
    requestHeadersTimeoutMs: 10_000,
    drainTimeoutMs: 5_000,
    connectionLifetimeMs: 0,
    streamLifetimeMs: 0,
  };
  await using scene = await startScene({ http: { timers } });
  using attacker = new Attacker(scene.proxy.port);
  await besideVictims(scene, async () => {
    await attacker.write(`POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`);
    await until(() => scene.connections() >= 1);
    await turns(10);
  });
  for (let second = 0; second < 59; second++) {
    scene.clock.advance(1_000);
    await attacker.write("1\r\na\r\n");
  }
  expect(attacker.received.length).toBe(0);
  scene.clock.advance(1_000);
  await until(() => attacker.received.length > 0);
  expect(attacker.received.toString("latin1")).toMatch(/^HTTP\/1.1 408 /);
  scene.clock.advance(1_000);
  await until(() => scene.connections() === 0);
});

test("a slow reader of a large response: upstream waits, and the stream ends when nothing moves", async () => {
  await using scene = await startScene();
  using attacker = new Attacker(scene.proxy.port);
  attacker.socket.pause();
  await besideVictims(scene, async () => {
    await attacker.write(`GET /large HTTP/1.1\r\n${host}\r\n`);
    await stillness(scene);
    // The kernel's buffers, of two pairs of sockets, and ours.
    expect(scene.written()).toBeLessThan(40_000_000);
  });
  scene.clock.advance(300_000);
  await until(() => scene.connections() === 0);
  expect(scene.idleTimeouts()).toBe(1);
});

test("pipelining: one request at a time is taken, and the others wait in the socket", async () => {
  await using scene = await startScene();
  using attacker = new Attacker(scene.proxy.port);
  await besideVictims(scene, async () => {
    const many = `GET /hold HTTP/1.1\r\n${host}\r\n`.repeat(20_000);
    void attacker.write(many);
    await until(() => scene.begun() > 20);
    await turns(100);
  });
  const { numbers } = scene.proxy.plane.managerOf("in", "http")!;
  expect(numbers.active).toBe(1);
});

test("chunk extensions: what is not content may not outweigh it (CVE-2023-39326)", async () => {
  await using scene = await startScene();
  await besideVictims(scene, async () => {
    using attacker = new Attacker(scene.proxy.port);
    await attacker.write(`POST /hold HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`);
    const chunk = `1;a=${"b".repeat(900)}\r\nx\r\n`;
    let sent = 0;
    while (!attacker.hasEnded && sent < 10_000) {
      await attacker.write(chunk);
      sent++;
    }
    // 16 KiB of excess, and what was under way.
    expect(sent).toBeLessThan(100);
    expect(scene.stats().refused["chunk-overhead"]).toBe(1);
    expect(attacker.received.toString("latin1")).toMatch(/^HTTP\/1.1 400 /);
  });
});

test("small chunks alone are no attack", async () => {
  await using scene = await startScene();
  using client = new Attacker(scene.proxy.port);
  await client.write(`POST /work HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`);
  await client.write("1\r\nx\r\n".repeat(20_000));
  await client.write("0\r\n\r\n");
  await until(() => client.received.length > 0);
  expect(client.received.toString("latin1")).toMatch(/^HTTP\/1.1 200 /);
});

test("more connections than are allowed are closed at once; those that are there go on", async () => {
  await using scene = await startScene({ listener: { connectionsMax: 20 } });
  const attackers: Attacker[] = [];
  await besideVictims(scene, async () => {
    await until(() => scene.connections() === 2);
    for (let i = 0; i < 200; i++) {
      attackers.push(new Attacker(scene.proxy.port));
      await turns(1);
    }
    await until(() => attackers.filter(({ hasEnded }) => hasEnded).length === 182);
  });
  for (const attacker of attackers) attacker[Symbol.dispose]();
});

test("idle connections are closed in their time, and the handshake's time is for those that say nothing", async () => {
  await using scene = await startScene();
  const silent = new Attacker(scene.proxy.port);
  const idle = new Attacker(scene.proxy.port);
  await idle.write(`GET /work HTTP/1.1\r\n${host}\r\n`);
  await until(() => idle.received.length > 0);
  scene.clock.advance(10_000);
  await until(() => silent.hasEnded);
  expect(idle.hasEnded).toBe(false);
  scene.clock.advance(3_590_000);
  await until(() => scene.connections() === 0);
  expect(scene.stats().timeouts.idle).toBeGreaterThanOrEqual(1);
});

async function stillness(scene: Scene): Promise<void> {
  let before = -1;
  for (let still = 0; still < 100; still = before === scene.written() ? still + 1 : 0) {
    before = scene.written();
    await turns(2);
  }
}

test.each([
  ["a second request", "GET /victim HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"],
  [
    "another protocol",
    "GET /victim HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
  ],
])("%s behind the last request holds no socket whose client is gone", async (_what, last) => {
  await using scene = await startScene();
  const attacker = new Attacker(scene.proxy.port);
  await attacker.write(`${last}GET /victim HTTP/1.1\r\n${host}\r\n`);
  await until(() => attacker.hasEnded);
  attacker[Symbol.dispose]();
  await until(() => scene.connections() === 0);
  expect(scene.begun()).toBe(1);
});
