// The contract of server edges on node:http, and what only a handler with a raw response can do.
import { type Pipeline, pipeline } from "@compendium/resilience";
import {
  type CallHandler,
  type ResilientHandlerOptions,
  resilientHandler,
} from "@compendium/resilience/http";
import { expect, test } from "vitest";
import { describeServerEdge } from "./server-edge.contract.ts";
import { gate, TestServer } from "./servers.ts";

const serve = (policies: Pipeline, handler: CallHandler, options?: ResilientHandlerOptions) =>
  TestServer.listen(resilientHandler(policies, handler, options));

describeServerEdge("node:http", (policies, handler, options) =>
  serve(
    policies,
    async (_request, response, call) => {
      response.end(await handler(call));
    },
    options,
  ),
);

test("a handler of callbacks that answers after its deadline harms nobody", async () => {
  const { opened: answered, open } = gate();
  await using server = await serve(
    pipeline(),
    (_request, response, call) => {
      call.onAbort(() =>
        setTimeout(() => {
          response.setHeader("x-late", "1").writeHead(200).write("too late");
          response.end("really");
          open();
        }),
      );
    },
    { deadlineInMs: 10 },
  );
  const response = await fetch(server.url, { headers: { connection: "close" } });
  expect(await response.json()).toMatchObject({ status: 504, code: "DEADLINE_EXCEEDED" });
  await answered;
  await server.drained();
});

test("a response that has begun is cut off at its deadline, not ended as if whole", async () => {
  await using server = await serve(
    pipeline(),
    (_request, response) => void response.write("first part"),
    { deadlineInMs: 50 },
  );
  const response = await fetch(server.url, { headers: { connection: "close" } });
  await expect(response.text()).rejects.toThrow();
  await server.drained();
});

test("what the handler throws is a 500 without its words, and told to onError", async () => {
  const told: unknown[] = [];
  const onError = (error: unknown) => told.push(error);
  const secret = new Error("password is hunter2");
  await using server = await serve(
    pipeline(),
    (_request, response) => {
      response.setHeader("content-encoding", "gzip");
      throw secret;
    },
    { onError },
  );
  const response = await fetch(server.url, { headers: { connection: "close" } });
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain("hunter2");
  expect(told).toEqual([secret]);
  await server.drained();
});
