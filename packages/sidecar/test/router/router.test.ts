// The router, on a clock that stands still until it is moved. The programs are those that planted
// bugs have to fail (mutants/).
import path from "node:path";
import { describe, test } from "vitest";
import { addressTraps } from "./address-traps.ts";
import { callTraps } from "./call-traps.ts";
import { observerTraps } from "./observer-traps.ts";
import { requestTraps } from "./request-traps.ts";
import { retryTraps } from "./retry-traps.ts";
import { streamTraps } from "./stream-traps.ts";
import { loadSubject } from "./subject.ts";
import { timeTraps } from "./time-traps.ts";

const subject = await loadSubject(path.join(import.meta.dirname, "../../src"));

describe("a retry", () => {
  test.each(Object.entries(retryTraps))("%s", (_, trap) => trap(subject));
});

describe("a request", () => {
  test.each(Object.entries(requestTraps))("%s", (_, trap) => trap(subject));
});

describe("an address", () => {
  test.each(Object.entries(addressTraps))("%s", (_, trap) => trap(subject));
});

describe("a time", () => {
  test.each(Object.entries(timeTraps))("%s", (_, trap) => trap(subject));
});

describe("a stream", () => {
  test.each(Object.entries(streamTraps))("%s", (_, trap) => trap(subject));
});

describe("a call", () => {
  test.each(Object.entries(callTraps))("%s", (_, trap) => trap(subject));
});

describe("somebody who looks on", () => {
  test.each(Object.entries(observerTraps))("%s", (_, trap) => trap(subject));
});
