// How connections of HTTP/1.1 are drained, which has no GOAWAY: on the codec as it is, and on
// copies with planted bugs.
import assert from "node:assert/strict";
import { connect } from "node:net";
import type { ServerOptions, ServerStream } from "../../src/codec/codec.ts";
import { Fields } from "../../src/codec/fields.ts";
import type { NodeCodec } from "../../src/codec/node/node-codec.ts";
import { turn } from "../upstream/turns.ts";
import { type CodecServer, nothing, startCodecServer } from "./codec-pair.ts";

type Trap = (Codec: typeof NodeCodec) => Promise<void>;

interface Scene extends AsyncDisposable {
  readonly server: CodecServer;
  /** Requests for `/hold`. */
  readonly held: ServerStream[];
  readonly client: { text: string; hasEnded: boolean; ask(path?: string): void };
  drain(): void;
  /** Of each answer, whether it says that it is the last. */
  closes(): boolean[];
}

const TURNS_MAX = 5_000;

// A bug may keep it from coming for ever.
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    assert.ok(i < TURNS_MAX, `not in ${TURNS_MAX} turns: ${condition}`);
    await turn();
  }
}

/** One connection on which one request has been answered. */
async function open(Codec: typeof NodeCodec, more: Partial<ServerOptions>): Promise<Scene> {
  const held: ServerStream[] = [];
  const onStream = (stream: ServerStream) => ({
    ...nothing,
    onHead: ({ path }: { path: string }) => {
      if (path === "/hold") held.push(stream);
      else stream.sendHead({ status: 204, fields: new Fields() }, true);
    },
  });
  const server = await startCodecServer("http/1.1", onStream, more, Codec);
  const socket = connect({ port: server.port, host: "127.0.0.1" });
  const client = {
    text: "",
    hasEnded: false,
    ask: (path = "/") => void socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`),
  };
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    client.text += chunk.toString("latin1");
  });
  socket.on("end", () => {
    client.hasEnded = true;
  });
  const closes = (): boolean[] => {
    const heads = client.text.split("\r\n\r\n").slice(0, -1);
    return heads.map((head) => /connection: close/i.test(head));
  };
  client.ask();
  await until(() => closes().length === 1);
  return {
    server,
    held,
    client,
    closes,
    drain: () => server.connections[0]?.drain(),
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

export const drainTraps: Readonly<Record<string, Trap>> = {
  async "RFC 9112 §9.3.1: what crosses a drain is answered, and is the last"(Codec) {
    await using scene = await open(Codec, { drainTimeoutMs: 700 });
    const { server, client, closes } = scene;
    scene.drain();
    server.clock.advance(699);
    client.ask();
    await until(() => client.hasEnded);
    assert.deepEqual(closes(), [false, true]);
  },

  async "an idle connection that nobody uses any more is closed when the pause is over"(Codec) {
    await using scene = await open(Codec, { drainTimeoutMs: 700 });
    const { server, client } = scene;
    scene.drain();
    server.clock.advance(500);
    // Draining again begins no other pause.
    scene.drain();
    server.clock.advance(199);
    await turn();
    assert.equal(client.hasEnded, false);
    server.clock.advance(1);
    await until(() => client.hasEnded);
    // It was asked to go; that is no timeout.
    assert.equal(server.codec.stats().timeouts.idle, 0);
  },

  async "a bound for idle connections that is shorter than the pause holds"(Codec) {
    await using scene = await open(Codec, { drainTimeoutMs: 700, idleTimeoutMs: 300 });
    scene.drain();
    scene.server.clock.advance(300);
    await until(() => scene.client.hasEnded);
  },

  async "a response that began before the drain said nothing of it: the next one does"(Codec) {
    await using scene = await open(Codec, {});
    const { client, closes, held } = scene;
    client.ask("/hold");
    await until(() => held.length === 1);
    const fields = new Fields(["content-length", "4"]);
    held[0]?.sendHead({ status: 200, fields }, false);
    scene.drain();
    held[0]?.sendData(Buffer.from("late"), true);
    await until(() => client.text.includes("late"));
    client.ask();
    await until(() => client.hasEnded);
    assert.deepEqual(closes(), [false, false, true]);
  },
};
