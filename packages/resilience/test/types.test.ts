// What the compiler must know about the answers of a pipeline; `tsc -b` judges this file.
import { fallback, type Policy, pipeline, retry, timeout } from "@compendium/resilience";
import { expect, expectTypeOf, test } from "vitest";

const fallbackTo = <A>(answer: A) => fallback(() => answer);
const policies = () => [retry(), timeout({ timeoutMs: 1_000 })] as const;

test("policies that add no answer leave the work's type as it is", async () => {
  const answer = await pipeline(...policies()).call(async () => "done");
  expectTypeOf(answer).toEqualTypeOf<string>();
  expectTypeOf(await pipeline().call(() => 1)).toEqualTypeOf<number>();
  expect(answer).toBe("done");
});

test("a fallback's answer joins the type, whatever it is", async () => {
  const calls = pipeline(fallbackTo("instead" as const), ...policies());
  expectTypeOf(await calls.call(() => 1)).toEqualTypeOf<number | "instead">();
  const later = pipeline(fallback(async () => 7));
  expectTypeOf(await later.call(() => "done")).toEqualTypeOf<string | number>();
  const nothing = pipeline(fallback(() => undefined));
  expectTypeOf(await nothing.call(() => 1)).toEqualTypeOf<number | undefined>();
  const both = pipeline(fallbackTo(7), fallbackTo(null));
  expectTypeOf(await both.call(() => "done")).toEqualTypeOf<string | number | null>();
});

test("a policy of one's own may add an answer, or none", async () => {
  const plain: Policy = { kind: "custom", run: (call, next) => next(call) };
  const adding: Policy<boolean> = { kind: "custom", run: (call, next) => next(call) };
  expectTypeOf(await pipeline(plain).call(() => 1)).toEqualTypeOf<number>();
  expectTypeOf(await pipeline(plain, adding).call(() => 1)).toEqualTypeOf<number | boolean>();
});
