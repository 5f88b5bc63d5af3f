import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { operators } from "../../src/config/operators.ts";
import { attempt, Node, Reading } from "../../src/config/schema/node.ts";
import { allMessages, subsetTable } from "./subset.ts";

describe("every message of the subset", () => {
  const messages = allMessages();

  test("refuses each field that is listed as refused, with its next step", () => {
    let refused = 0;
    for (const { message } of messages) {
      for (const [name, field] of Object.entries(message.shape)) {
        if (field.use !== "refused") continue;
        const { problems } = read(message.read, { [name]: { any: "thing" } });
        expect(problems, `${message.type}.${name}`).toContainEqual({
          path: name,
          message: "an object is not taken",
          next: field.next,
        });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(250);
  });

  test("refuses a field that nobody has listed", () => {
    for (const { message } of messages) {
      const { problems } = read(message.read, { tomorrows_field: 1 });
      expect(
        problems.map((one) => one.path),
        message.type,
      ).toContain("tomorrows_field");
    }
  });

  test("takes null for a field that is not there", () => {
    for (const { message } of messages) {
      const nothing = Object.fromEntries(Object.keys(message.shape).map((name) => [name, null]));
      expect(read(message.read, nothing).problems).toEqual(read(message.read, {}).problems);
    }
  });

  test("stands in XDS.md as it is; if this fails, run `npm run xds`", () => {
    const file = readFileSync(path.join(import.meta.dirname, "../../XDS.md"), "utf8");
    expect(file.split("`npm run xds`. -->\n\n")[1]).toBe(subsetTable());
  });

  test("is in XDS.md with every command operator", () => {
    const file = readFileSync(path.join(import.meta.dirname, "../../XDS.md"), "utf8");
    const table = file.slice(file.indexOf("## Command operators"), file.indexOf("## Messages"));
    const listed = [...table.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name);
    expect(listed.sort()).toEqual(Object.keys(operators).sort());
  });
});

function read(reader: (node: Node) => unknown, value: unknown): Reading {
  const reading = new Reading();
  attempt(() => reader(new Node(value, "", reading)));
  return reading;
}
