// Public verdicts: histories that Jepsen recorded from etcd, and key-value histories of
// porcupine's.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { type CheckResult, check, readHistory } from "@compendium/linearizability";
import { requireOrSkip } from "@compendium/metrics/testing";
import { expect, test } from "vitest";

const { COMPENDIUM_CONFORMANCE: root = "" } = process.env;
const folder = path.resolve(root, "linearizability");
const need = {
  name: "conformance",
  present: root !== "" && existsSync(folder),
  how: "let COMPENDIUM_CONFORMANCE name a folder with linearizability/jepsen and linearizability/kv, which hold test_data/jepsen and test_data/kv of github.com/anishathalye/porcupine (MIT), and a file VERDICTS of lines such as `etcd_000 illegal`",
};

test("every Jepsen history of etcd gets its verdict", (context) => {
  requireOrSkip(context, need);
  const jepsen = path.join(folder, "jepsen");
  const verdicts = readFileSync(path.join(jepsen, "VERDICTS"), "utf8").trim().split("\n");
  expect(verdicts.length).toBeGreaterThan(0);
  const found = verdicts.map((line) => {
    const [name] = line.split(" ");
    return `${name} ${judge(path.join(jepsen, `${name}.log`)).verdict}`;
  });
  expect(found).toEqual(verdicts);
});

test("every key-value history gets the verdict that its name gives away", (context) => {
  requireOrSkip(context, need);
  const kv = path.join(folder, "kv");
  const files = readdirSync(kv).filter((file) => /-(ok|bad)\.txt$/.test(file));
  expect(files.length).toBeGreaterThan(0);
  const found = files.map((file) => `${file} ${judge(path.join(kv, file)).verdict}`);
  const expected = files.map((file) => `${file} ${file.includes("-ok") ? "ok" : "illegal"}`);
  expect(found).toEqual(expected);
});

function judge(file: string): CheckResult {
  const { history, model } = readHistory(readFileSync(file, "utf8"));
  return check(history, model);
}
