// X6 as real processes, by the demo's own command: regions that are apart for 20 s. How long they
// take to meet again depends on how busy the machine is; what is lost does not.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { X6Comparison } from "../../src/x6.ts";
import { Demo, killLeftovers, survivors } from "./demo.ts";
import { expectX6 } from "./expect-x6.ts";

const MINUTE_MS = 60_000;
const folder = mkdtempSync(join(tmpdir(), "shownotes-x6-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterAll(killLeftovers);

describe("npm start -- --once --experiment x6", () => {
  test(
    "exits with 0: apart for 20 s, a column loses additions, a set none, and no region refuses",
    async () => {
      const jsonFile = join(folder, "x6.json");
      const args = ["--once", "--experiment", "x6", "--seconds", "20", "--json", jsonFile];
      const demo = Demo.start(args);
      expect(await demo.end(), demo.output).toBe(0);
      expect(demo.errors).toBe("");
      console.log(demo.output);
      expectX6(JSON.parse(readFileSync(jsonFile, "utf8")) as X6Comparison);
    },
    MINUTE_MS,
  );

  test(
    "cut short while the regions are apart, it leaves nothing running",
    async () => {
      const demo = Demo.start(["--once", "--experiment", "x6"]);
      const children = await demo.childrenReach(3);
      await demo.prints(/cut off from each other for 5 s/);
      demo.kill("SIGTERM");
      expect(await demo.end()).toBe(128 + 15);
      expect(survivors(children)).toEqual([]);
    },
    MINUTE_MS,
  );
});
