// Spans need libraries that are optional: whoever has not installed them is told which, and how.
import { expect, test } from "vitest";
import { startTracing } from "../../src/observe/start-tracing.ts";

const plan = { otlpEndpoint: "http://127.0.0.1:4318", serviceName: "test" };

test("without an endpoint nothing is loaded", async () => {
  const load = () => Promise.reject(new Error("it was loaded"));
  await using tracing = await startTracing({ ...plan, otlpEndpoint: undefined }, load);
  expect(tracing.observers).toEqual([]);
});

test("a library that is not installed is named, with the next step", async () => {
  const missing = Object.assign(
    new Error("Cannot find package '@opentelemetry/sdk-trace' imported from otlp.js"),
    { code: "ERR_MODULE_NOT_FOUND" },
  );
  const refused = await startTracing(plan, () => Promise.reject(missing)).catch((error) => error);
  expect(refused).toMatchObject({
    name: "TracingUnavailableError",
    code: "ERR_TRACING_UNAVAILABLE",
    cause: missing,
    message: expect.stringMatching(
      /@opentelemetry\/sdk-trace is not installed; run npm install @opentelemetry\/api .*leave out/,
    ),
  });
});

test("any other failure is nobody's missing library", async () => {
  const broken = new SyntaxError("unexpected token");
  await expect(startTracing(plan, () => Promise.reject(broken))).rejects.toBe(broken);
});
