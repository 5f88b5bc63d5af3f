// A store that decides at the time it is told. Everything is the package's own, from the limiter to
// the encoding of a batch, except for the connection: the calls of many lanes travel together on
// one, which is what makes a hundred thousand histories bearable.
import { EventEmitter } from "node:events";
import type { Redis } from "ioredis";
import type { Script } from "../../src/lua/script.ts";
import { RedisStore } from "../../src/stores/redis.ts";
import type { Tally } from "./timed-script.ts";

export const NOTHING: Tally = { writes: 0, expiresAtMs: 0, expired: 0 };

type Call = (...words: unknown[]) => Promise<unknown>;

/** Takes the place of a client. */
export class Lane extends EventEmitter {
  readonly isCluster = false;
  readonly status = "ready";
  nowUs = 0;
  /** Of the last call. */
  tally: Tally = NOTHING;
  readonly #connection: Redis;

  constructor(connection: Redis) {
    super();
    this.#connection = connection;
  }

  duplicate(): this {
    return this;
  }

  disconnect(): void {}

  async callBuffer(command: "eval" | "evalsha", ...words: unknown[]): Promise<unknown[]> {
    // By name: callBuffer, when it is pipelined automatically, loses its first word in ioredis 6.
    const connection = this.#connection as unknown as Record<string, Call>;
    return this.#split(await connection[`${command}Buffer`]!(...words, String(this.nowUs)));
  }

  #split(reply: unknown): unknown[] {
    const answer = reply as unknown[];
    const [writes, expiresAtMs, expired] = answer.splice(-3) as [number, number, number];
    this.tally = { writes, expiresAtMs, expired };
    return answer;
  }
}

/** The store of a lane. */
export function laneStore(lane: Lane, script: Script): RedisStore {
  const store = new RedisStore(lane as unknown as Redis, { script, timeoutMs: 60_000 });
  lane.emit("ready");
  return store;
}
