// Bytes that nobody sent: refused whole, with a typed error, and nothing has changed.
import { List, Text } from "@compendium/crdt";
import { CrdtSyncError } from "@compendium/crdt-sync";
import { SeededRandom } from "@compendium/runtime";
import { describe, expect, test } from "vitest";
import { encodeMessage, encodePart } from "../../src/wire/codec.ts";
import { exchange, Side, type } from "./lab.ts";

function codeOf(act: () => void): string {
  try {
    act();
    return "taken";
  } catch (error) {
    if (error instanceof CrdtSyncError) return error.code;
    throw error;
  }
}

function said() {
  const [a, b] = [new Side("a", { batchBytes: 512, messageBytesMax: 1_024 }), new Side("b")];
  const text = new Text("a");
  type(text, 600);
  a.open("text", text);
  b.open("text", new Text("b"));
  const [hello] = a.say();
  b.hear([hello as Uint8Array]);
  a.hear(b.say());
  return [hello as Uint8Array, ...a.say()];
}

describe("untrusted messages", () => {
  test("every bit that is flipped, and every truncation, ends the link and changes nothing", () => {
    for (const [number, message] of said().entries()) {
      for (let bit = 0; bit < message.length * 8; bit += 3) {
        const bad = message.slice();
        bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
        const victim = new Side("b");
        expect(
          codeOf(() => victim.hear([bad])),
          `${number}, ${bit}`,
        ).toMatch(/^SYNC_/);
      }
      for (let length = 0; length < message.length; length++) {
        const victim = new Side("b");
        expect(codeOf(() => victim.hear([message.slice(0, length)]))).toBe("SYNC_CORRUPT");
      }
    }
  });

  test("bytes of chance with a right check are refused, or mean something; nothing hangs", () => {
    const random = new SeededRandom(1);
    const text = new Text("b");
    for (let i = 0; i < 20_000; i++) {
      const length = 1 + random.below(60);
      const part = Uint8Array.from({ length }, () => random.below(random.below(2) ? 16 : 256));
      const victim = new Side("b");
      victim.open("text", text);
      const hello = encodePart({ type: "hello", name: "x", session: "0123456789abcdef" });
      codeOf(() => victim.hear([encodeMessage([hello, part])]));
    }
    expect(text.length).toBe(0);
  });

  test.each([
    ["something before hello", encodePart({ type: "ping" }), "SYNC_PROTOCOL"],
    [
      "the node itself",
      encodePart({ type: "hello", name: "b", session: new Side("b").session }),
      "SYNC_SELF",
    ],
  ])("%s", (_what, part, code) => {
    expect(codeOf(() => new Side("b").hear([encodeMessage([part])]))).toBe(code);
  });

  test("another version of the protocol is said to be one", () => {
    const message = encodeMessage([encodePart({ type: "ping" })]);
    message[1] = 2;
    expect(codeOf(() => new Side("b").hear([message]))).toBe("SYNC_CORRUPT");
  });

  test("an acknowledgement of what was never sent, and a gap in the numbers", () => {
    for (const part of [
      encodePart({ type: "ack", channel: 1, number: 9, isWhole: true }),
      encodePart({ type: "piece", total: 10, offset: 5, bytes: Uint8Array.of(1), check: 0 }),
    ]) {
      const [a, b] = [new Side("a"), new Side("b")];
      a.open("text", new Text("a"));
      b.open("text", new Text("b"));
      exchange(a, b, () => false);
      expect(codeOf(() => b.hear([encodeMessage([part])]))).toMatch(/SYNC_(PROTOCOL|CORRUPT)/);
    }
  });
});

test("documents of one name and two types are refused on both sides, others go on", () => {
  const [a, b] = [new Side("a"), new Side("b")];
  const [here, there] = [new Text("a"), new Text("b")];
  a.open("other", here);
  b.open("other", there);
  a.open("mixed", new Text("a"));
  b.open("mixed", new List("b"));
  here.insert(0, "hello");
  exchange(a, b, () => false);
  expect(there.toString()).toBe("hello");
  for (const { events } of [a, b]) {
    const refused = events.find((event) => event.type === "refused");
    expect(refused?.type === "refused" && refused.error.code).toBe("SYNC_KIND");
  }
});

test("a replica that is broken is found by its digest", () => {
  const [a, b] = [new Side("a"), new Side("b")];
  const [here, there] = [new Text("a"), new Text("b")];
  a.open("text", here);
  const broken = b.open("text", there);
  const digest = broken.replicated.digest.bind(broken.replicated);
  const wrong = () => digest().replace(/^./, (it) => (it === "0" ? "1" : "0"));
  Object.assign(broken.replicated, { digest: wrong });
  here.insert(0, "hello");
  exchange(a, b, () => false);
  for (const { events, documents } of [a, b]) {
    expect(events.some((event) => event.type === "diverged")).toBe(true);
    expect(documents.get("text")?.mismatches).toBeGreaterThan(0);
  }
});
