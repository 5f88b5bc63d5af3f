// The load counts what was answered rightly, and nothing else. Here it asks its own upstreams.
import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { judgeGrpc } from "../../bench/load/grpc-judge.ts";
import { call, grpcMessage } from "../../bench/load/grpc-messages.ts";
import { FrameReader } from "../../bench/load/h2-frames.ts";
import { H2Lane } from "../../bench/load/h2-lane.ts";
import { startH2Upstream } from "../../bench/load/h2-upstream.ts";
import { FreshLane, KeptLane } from "../../bench/load/http1-lane.ts";
import { startHttp1Upstream } from "../../bench/load/http1-upstream.ts";
import { Budget, type Lane } from "../../bench/load/lane.ts";
import { AnswerReader, dialogues } from "../../bench/load/messages.ts";
import { listenOn } from "../proxy/harness.ts";

const REQUESTS = 40;
const AN_HOUR_MS = 3_600_000;

const errors: Error[] = [];
const onError = (error: Error): void => void errors.push(error);
const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
  expect(errors.splice(0)).toEqual([]);
});

function portOf(server: Server): Promise<number> {
  opened.push(() => server.close());
  return new Promise((resolve) => {
    server.once("listening", () => resolve((server.address() as { port: number }).port));
  });
}

async function answersOf(lane: Lane): Promise<number> {
  opened.push(() => lane.close());
  await lane.open();
  const budget = new Budget(AN_HOUR_MS, REQUESTS);
  await lane.run(budget);
  return budget.answers;
}

describe("HTTP/1.1", () => {
  for (const path of ["/small", "/echo", "/64k"] as const) {
    test(`${path}: every answer of a kept connection is counted`, async () => {
      const port = await portOf(startHttp1Upstream(onError));
      expect(await answersOf(new KeptLane({ port }, dialogues[path]))).toBe(REQUESTS);
    });
  }

  // Whoever is asked to closes the connection after the answer.
  async function closingServer(answer: string | Buffer): Promise<number> {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(answer));
    });
    const port = await listenOn(server);
    opened.push(() => server.close());
    return port;
  }

  test("a connection each: every answer is counted", async () => {
    const dialogue = dialogues["/small-and-close"];
    const port = await closingServer(dialogue.answer);
    expect(await answersOf(new FreshLane({ port }, dialogue))).toBe(REQUESTS);
  });

  const wrong = {
    "another status": "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 42\r\n\r\n",
    "another length": "HTTP/1.1 200 OK\r\ncontent-length: 41\r\n\r\n",
    "a byte too many": `${dialogues["/small"].answer}!`,
    "a byte too few": dialogues["/small"].answer.subarray(0, -1),
  };
  for (const [what, answer] of Object.entries(wrong)) {
    test(`${what} is an error`, async () => {
      const port = await closingServer(answer);
      await expect(answersOf(new KeptLane({ port }, dialogues["/small"]))).rejects.toThrow();
      const lane = new FreshLane({ port }, dialogues["/small-and-close"]);
      await expect(answersOf(lane)).rejects.toThrow();
    });
  }

  test("an answer is one wherever it was cut", () => {
    const { answer, answerBytes } = dialogues["/small"];
    const reader = new AnswerReader(answerBytes);
    for (let cut = 1; cut < answer.length; cut++) {
      expect(reader.push(answer.subarray(0, cut))).toBe(false);
      expect(reader.push(answer.subarray(cut))).toBe(true);
    }
  });
});

describe("gRPC", () => {
  test("a client of grpc-js finds the answer right", async () => {
    await judgeGrpc(await portOf(startH2Upstream(onError)));
  });

  test("every answer is counted", async () => {
    const port = await portOf(startH2Upstream(onError));
    expect(await answersOf(new H2Lane(port, 4))).toBe(REQUESTS);
  });

  test("frames are the same wherever the bytes were cut", () => {
    const bytes = call(5);
    for (let cut = 1; cut < bytes.length; cut++) {
      const frames: [type: number, stream: number, length: number][] = [];
      const reader = new FrameReader((type, _, stream, { length }) => {
        frames.push([type, stream, length]);
      });
      reader.push(bytes.subarray(0, cut));
      reader.push(bytes.subarray(cut));
      expect(frames).toEqual([
        [1, 5, bytes.length - 18 - grpcMessage.length],
        [0, 5, grpcMessage.length],
      ]);
    }
  });
});
