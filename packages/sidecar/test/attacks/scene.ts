// An attack on a proxy: an upstream behind it, victims beside the attacker who go on with their
// work, and a clock that the test moves, so that what a limit of the proxy's does is told apart
// from what time does.
import { createServer } from "node:http";
import { connect, type Socket } from "node:net";
import { ManualClock } from "@compendium/runtime";
import { expect } from "vitest";
import type { CodecStats } from "../../src/codec/codec.ts";
import { listenOn, type ProxyOptions, type RunningProxy, startProxy } from "../proxy/harness.ts";
import { makeClient, type Version } from "../proxy/peers.ts";

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

// Heap and buffers of this process, in which the attacker, the victims and upstream live as well.
const growthBytesMax = 128 * 1024 * 1024;

export interface Scene extends AsyncDisposable {
  readonly proxy: RunningProxy;
  readonly clock: ManualClock;
  /** Requests that upstream has begun. */
  readonly begun: () => number;
  /** Bytes of large responses that upstream has given away. */
  readonly written: () => number;
  readonly stats: () => CodecStats;
  readonly connections: () => number;
  /** Streams on which nothing moved. */
  readonly idleTimeouts: () => number;
}

export async function startScene(options: Partial<ProxyOptions> = {}): Promise<Scene> {
  let begun = 0;
  let written = 0;
  const chunk = Buffer.alloc(65_536);
  const upstream = createServer((request, response) => {
    begun++;
    request.on("error", () => {});
    response.on("error", () => {});
    if (request.url === "/hold") return;
    if (request.url !== "/large") {
      request.resume();
      request.on("end", () => response.end("ok"));
      return;
    }
    const write = (): void => {
      while (!response.destroyed) {
        written += chunk.length;
        if (!response.write(chunk)) break;
      }
    };
    response.on("drain", write);
    write();
  });
  const clock = new ManualClock();
  const proxy = await startProxy({ upstreamPorts: [await listenOn(upstream)], clock, ...options });
  return {
    proxy,
    clock,
    begun: () => begun,
    written: () => written,
    stats: () => proxy.codec.stats(),
    connections: () => proxy.plane.managerOf("in", "http")?.connections ?? 0,
    idleTimeouts: () => proxy.plane.managerOf("in", "http")?.numbers.idleTimeouts ?? 0,
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      upstream.close();
      upstream.closeAllConnections();
    },
  };
}

/**
 * The attack, with a victim of each protocol beside it from its beginning to its end: each of their
 * requests must be answered, and memory must stay where it was.
 */
export async function besideVictims(scene: Scene, attack: () => Promise<void>): Promise<void> {
  const before = bytesUsed();
  let isOver = false;
  const run = async (version: Version): Promise<number> => {
    using client = makeClient(version, scene.proxy.port);
    let answers = 0;
    while (!isOver || answers < 10) {
      const answer = await client.send({ method: "POST", path: "/victim", body: "work" });
      expect(answer.status, version).toBe(200);
      answers++;
    }
    return answers;
  };
  const attacked = attack().finally(() => {
    isOver = true;
  });
  await Promise.all([attacked, ...(["h1", "h2"] as const).map(run)]);
  expect(bytesUsed() - before).toBeLessThan(growthBytesMax);
}

function bytesUsed(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** A socket that does nothing by itself: not even close when the other side has. */
export class Attacker implements Disposable {
  readonly socket: Socket;
  readonly #chunks: Buffer[] = [];
  isClosed = false;
  hasEnded = false;

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
    this.socket.on("end", () => {
      this.hasEnded = true;
    });
    this.socket.on("close", () => {
      this.isClosed = true;
    });
  }

  /** All that has come. */
  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Writes, and waits until it has left. */
  write(bytes: Buffer | string): Promise<void> {
    return new Promise((resolve) => {
      if (this.isClosed || this.socket.destroyed) return resolve();
      const isDone = this.socket.write(bytes, "latin1");
      if (isDone) setImmediate(resolve);
      else {
        const done = (): void => {
          this.socket.off("drain", done);
          this.socket.off("close", done);
          resolve();
        };
        this.socket.once("drain", done);
        this.socket.once("close", done);
      }
    });
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
