// The demo with a sidecar in front of every service, as processes: what it starts, that all of it
// is asked that way, that what dies comes back, and that nothing is left.
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { requireOrSkip } from "@compendium/metrics/testing";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { commandOf, Demo, killLeftovers, linux, survivors } from "./demo.ts";
import { describeNightly } from "./run.ts";

const MINUTE_MS = 60_000;
const patient = { timeout: 20_000, interval: 100 };
// Edge, preview, billing; three members of the registry; three regions. And a sidecar for each.
const PROCESSES = 18;

afterAll(killLeftovers);

beforeEach((context) => requireOrSkip(context, linux));

describeNightly("npm start -- --mesh", () => {
  const isSidecar = (pid: number) => commandOf(pid).includes(" sidecar ");
  const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith("shownotes-mesh-"));

  test(
    "everything is asked by way of sidecars; one that dies is started again, with its file",
    async () => {
      const before = folders();
      const demo = Demo.start(["--mesh", "--port", "0"]);
      const [, url = ""] = await demo.prints(/Shownotes is at (\S+)/);
      await demo.prints(/✔ as expected|✘/);
      // Those of the run without protection have ended by the time that the others are there.
      await expect.poll(() => demo.children().filter(isSidecar).length, patient).toBe(9);
      await expect.poll(() => demo.children().length, patient).toBe(PROCESSES);

      const get = async (path: string) => (await fetch(new URL(path, url))).status;
      await expect.poll(() => get("/workspaces/acme/seats"), patient).toBe(200);
      await expect.poll(() => get("/regions/eu/state"), patient).toBe(200);
      for (const pid of demo.children().filter(isSidecar)) process.kill(pid, "SIGKILL");
      await demo.prints(/sidecar \(pid \d+\) was killed by SIGKILL; it is started again on port/);
      await expect.poll(() => get("/episodes/1/notes"), patient).toBe(200);
      await expect.poll(() => get("/workspaces/acme/seats"), patient).toBe(200);
      await expect.poll(() => get("/regions/eu/state"), patient).toBe(200);

      const children = demo.children();
      demo.kill("SIGTERM");
      expect(await demo.end()).toBe(0);
      expect(survivors(children)).toEqual([]);
      expect(folders()).toEqual(before);
    },
    2 * MINUTE_MS,
  );
});

describe("npm start -- --mesh, ended", () => {
  test(
    "kill -9 of the supervisor takes the sidecars along",
    async () => {
      const demo = Demo.start(["--mesh", "--port", "0"]);
      const children = await demo.childrenReach(6);
      demo.kill("SIGKILL");
      expect(await demo.end()).toBe("SIGKILL");
      await expect.poll(() => survivors(children), { timeout: 10_000 }).toEqual([]);
    },
    MINUTE_MS,
  );
});
