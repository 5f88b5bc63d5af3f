// Contexts of traces that somebody could read in two ways, each as a program on a copy.
import assert from "node:assert/strict";
import { Fields } from "../../src/codec/fields.ts";
import type { Subject } from "./subject.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const good = `00-${TRACE}-${SPAN}-01`;

const refused: readonly string[] = [
  "",
  "00",
  `00-${TRACE}-${SPAN}`,
  `00-${TRACE}-${SPAN}-1`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  `00-${TRACE}-${SPAN.toUpperCase()}-01`,
  `00-${"0".repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${"0".repeat(16)}-01`,
  `ff-${TRACE}-${SPAN}-01`,
  `ff-${TRACE}-${SPAN}-01-more`,
  `00-${TRACE}-${SPAN}-01-more`,
  `00-${TRACE}-${SPAN}-01-`,
  `cc-${TRACE}-${SPAN}-01more`,
  `0-${TRACE}-${SPAN}-01`,
  `00-${TRACE}0-${SPAN}-01`,
  `00-${TRACE}-${SPAN}0-01`,
  `00-${TRACE}-${SPAN}-0g`,
  `00-${TRACE.slice(1)}g-${SPAN}-01`,
  ` ${good}`,
  `${good}\n`,
  `${good},${good}`,
];

const stateOf = ({ trace }: Subject, ...values: string[]): string | undefined => {
  const flat = values.flatMap((value) => ["tracestate", value]);
  return trace.readTraceContext(new Fields(["traceparent", good, ...flat]))?.state;
};

const many = (count: number): string =>
  Array.from({ length: count }, (_, i) => `k${i}=1`).join(",");

export const traceTraps: Readonly<Record<string, (subject: Subject) => void>> = {
  "§3.2.2: a traceparent is read as it stands": ({ trace }) => {
    const read = (value: string) => trace.readTraceContext(new Fields(["traceparent", value]));
    const context = { traceId: TRACE, spanId: SPAN, isSampled: true, state: "" };
    assert.deepEqual(read(good), context);
    assert.deepEqual(read(`00-${TRACE}-${SPAN}-00`), { ...context, isSampled: false });
    // Only the bits that are known count.
    assert.equal(read(`00-${TRACE}-${SPAN}-03`)?.isSampled, true);
    assert.equal(read(`00-${TRACE}-${SPAN}-fe`)?.isSampled, false);
  },

  "§3.2.3: a later version may say more": ({ trace }) => {
    const read = (value: string) => trace.readTraceContext(new Fields(["traceparent", value]));
    assert.equal(read(`cc-${TRACE}-${SPAN}-01`)?.traceId, TRACE);
    assert.equal(read(`cc-${TRACE}-${SPAN}-01-what-the-future-says`)?.traceId, TRACE);
  },

  "§3.2.2: one that is not well-formed is none": ({ trace }) => {
    for (const value of refused) {
      const context = trace.readTraceContext(new Fields(["traceparent", value]));
      assert.equal(context, undefined, value);
    }
    assert.equal(trace.readTraceContext(new Fields()), undefined);
  },

  "two traceparents are none": ({ trace }) => {
    const fields = new Fields(["traceparent", good, "traceparent", good]);
    assert.equal(trace.readTraceContext(fields), undefined);
  },

  "§3.3.1: a tracestate of several fields is one list": (subject) => {
    assert.equal(stateOf(subject, "a=1, b=2 ,", "\tt61@sys=x y"), "a=1,b=2,t61@sys=x y");
    assert.equal(stateOf(subject, ""), "");
    assert.equal(stateOf(subject, many(32)), many(32));
  },

  "§3.3.1.3: one member that is not well-formed spoils the list, not the trace": (subject) => {
    for (const state of ["a", "a=", "=1", "A=1", "a=1,a=2", "a=1,b=\u00e9", "a==", "a b=1"]) {
      assert.equal(stateOf(subject, state), "", state);
    }
    assert.equal(stateOf(subject, many(33)), "");
    assert.equal(stateOf(subject, `a=${"x".repeat(256)}`), `a=${"x".repeat(256)}`);
    assert.equal(stateOf(subject, `a=${"x".repeat(257)}`), "");
  },

  "what is written can be read, and takes the place of what was there": ({ trace }) => {
    const fields = new Fields(["traceparent", "x", "tracestate", "a=1", "traceparent", "y"]);
    const context = { traceId: TRACE, spanId: SPAN, isSampled: false, state: "b=2" };
    trace.writeTraceContext(fields, context);
    assert.deepEqual(trace.readTraceContext(fields), context);
    trace.writeTraceContext(fields, { ...context, state: "" });
    assert.equal(fields.has("tracestate"), false);
    assert.deepEqual(fields.all("traceparent"), [`00-${TRACE}-${SPAN}-00`]);
  },
};
