import { check, HistoryError, readHistory } from "@compendium/linearizability";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const log = `
2015-01-01 INFO  jepsen.util - 0	:invoke	:write	3
INFO  jepsen.core - something else
INFO  jepsen.util - 1	:invoke	:cas	[3 4]
INFO  jepsen.util - 1	:fail	:cas	[3 4]
INFO  jepsen.util - 0	:info	:write	:timed-out
INFO  jepsen.util - :nemesis	:info	:start	nil
INFO  jepsen.util - 2	:invoke	:read	nil
INFO  jepsen.util - 2	:fail	:read	:timed-out
INFO  jepsen.util - 3	:invoke	:read	nil
INFO  jepsen.util - 3	:ok	:read	nil
`;

describe("readHistory", () => {
  test("a log of Jepsen's: other lines are passed over, timeouts are unknown or nothing", () => {
    const { name, history } = readHistory(log);
    expect(name).toBe("register");
    expect(history).toEqual([
      { input: { f: "write", value: 3 }, call: 2, process: 0 },
      { input: { f: "cas", from: 3, to: 4 }, output: false, call: 4, return: 5, process: 1 },
      { input: { f: "read" }, output: null, call: 10, return: 11, process: 3 },
    ]);
  });

  test("a log of a newer Jepsen", () => {
    const newer = "2024-01-01 INFO [worker 0] jepsen.util: 0\t:invoke\t:write\t3";
    expect(readHistory(newer).history).toHaveLength(1);
  });

  test("EDN: an absent key of a map reads as the empty string, as porcupine has it", () => {
    const edn = `{:process 0, :type :invoke, :f :get, :key "a", :value nil}
{:process 0, :type :ok, :f :get, :key "a", :value ""}
{:process 1, :type :invoke, :f :append, :key "a", :value "x \\"1\\" y"}`;
    const { name, history, model } = readHistory(edn);
    expect(name).toBe("kv");
    expect(history[1]?.input).toEqual({ f: "append", key: "a", value: 'x "1" y' });
    expect(check(history, model).verdict).toBe("ok");
    const strict = readHistory(edn, { initial: null });
    expect(check(strict.history, strict.model).verdict).toBe("illegal");
  });

  test("EDN of Jepsen: tags, vectors, the nemesis, and independent keys", () => {
    const edn = `{:process :nemesis, :type :info, :f :start, :value #{"n1" "n2"}, :time 1}
#jepsen.history.Op{:index 1, :process 0, :type :invoke, :f :cas, :value [7 [1 2]], :time 12}
{:index 2, :process 0, :type :fail, :f :cas, :value [7 [1 2]], :time 13}`;
    const { history } = readHistory(edn, { independent: true, model: "register" });
    expect(history).toEqual([
      {
        input: { f: "cas", key: "7", from: 1, to: 2 },
        output: false,
        call: 2,
        return: 3,
        process: 0,
      },
    ]);
  });

  test.each([
    ["set", ["add", 1, true], ["contains", 1, true], ["read", null, [1]], ["remove", 1, null]],
    ["queue", ["enqueue", 1, null], ["peek", null, 1], ["dequeue", null, 1]],
    ["lock", ["acquire", null, null], ["release", null, null], ["acquire", "b", null]],
    ["kv", ["put", 1, null], ["cas", [1, 2], null], ["get", null, 2], ["delete", null, null]],
  ] as const)("the words of a %s are understood", (name, ...steps) => {
    const lines = steps.flatMap(([f, asked, answer]) => {
      const key = name === "set" ? undefined : "k";
      return [
        JSON.stringify({ process: 0, type: "invoke", f, key, value: asked }),
        JSON.stringify({ process: 0, type: "ok", value: answer }),
      ];
    });
    const read = readHistory(lines.join("\n"));
    expect(read.name).toBe(name);
    expect(check(read.history, read.model).verdict).toBe("ok");
  });

  test("an empty queue fails to dequeue, a held lock to be acquired", () => {
    const of = (f: string, ...types: string[]) =>
      types.map((type) => JSON.stringify({ process: 0, type, f })).join("\n");
    for (const [text, verdict] of [
      [of("dequeue", "invoke", "fail"), "ok"],
      [of("dequeue", "invoke", "fail").replace(/}$/, ',"error":"refused"}'), "ok"],
      [of("acquire", "invoke", "fail"), "illegal"],
      [of("acquire", "invoke", "ok", "invoke", "fail"), "ok"],
    ] as const) {
      const { history, model } = readHistory(text);
      expect(check(history, model).verdict).toBe(verdict);
    }
  });

  test("more events than allowed are refused, with the line", () => {
    expect(readHistory(log, { eventsMax: 8 }).history).toHaveLength(3);
    const refused = expect.objectContaining({ code: "HISTORY_TOO_LONG", line: 11 });
    expect(() => readHistory(log, { eventsMax: 7 })).toThrow(refused);
    expect(() => readHistory(log, { eventsMax: 0 })).toThrow(RangeError);
  });

  test("whatever the text, it is read or refused with a HistoryError", () => {
    const piece = fc.constantFrom(
      ...["{", "}", "[", "]", '"', ":", ",", "nil", "#", ":process 0 ", ":type :invoke ", "\n"],
      ...['"process":0', '"type":"invoke"', '"f":"read"', "jepsen.util - 0 :invoke :read nil", "é"],
    );
    const texts = fc.oneof(
      fc.string(),
      fc.array(piece).map((pieces) => pieces.join("")),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          readHistory(text);
        } catch (error) {
          expect(error).toBeInstanceOf(HistoryError);
          expect((error as HistoryError).message).not.toContain("\n");
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
