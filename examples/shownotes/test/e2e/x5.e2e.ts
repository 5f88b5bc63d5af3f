// X5 as real processes: by the demo's own command, and by its clients alone while the test does the
// killing. How long a gap is depends on how busy the machine is; that nothing is lost does not.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { registryAt, statusesAt } from "../../src/registry-http.ts";
import type { X5Comparison } from "../../src/x5.ts";
import { X5ChildGroups } from "../../src/x5-groups.ts";
import { Demo, killLeftovers, NODE, pause, START, survivors } from "./demo.ts";

const MINUTE_MS = 60_000;
const folder = mkdtempSync(join(tmpdir(), "shownotes-x5-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterAll(killLeftovers);

describe("npm start -- --once --experiment x5", () => {
  test(
    "exits with 0: a gap, nothing lost, and a history as of one copy, off and on",
    async () => {
      const jsonFile = join(folder, "x5.json");
      const demo = Demo.start(["--once", "--experiment", "x5", "--json", jsonFile]);
      expect(await demo.end(), demo.output).toBe(0);
      expect(demo.errors).toBe("");
      console.log(demo.output);
      const { off, on, objections } = JSON.parse(readFileSync(jsonFile, "utf8")) as X5Comparison;
      expect(objections).toEqual([]);
      for (const { measured } of [off, on]) {
        expect(measured).toMatchObject({ lost: 0, verdict: "ok" });
        expect(measured.checks).toBeGreaterThan(3);
      }
      expect(on.measured.killedGapMs).toBeLessThan(off.measured.killedGapMs);
      expect(on.measured.pausedGapMs).toBeLessThan(off.measured.pausedGapMs);
    },
    MINUTE_MS,
  );

  test(
    "cut short while a leader is stopped in its tracks, it leaves nothing running",
    async () => {
      const demo = Demo.start(["--once", "--experiment", "x5"]);
      const children = await demo.childrenReach(4);
      await demo.prints(/the group, killed: /);
      await pause(1_000);
      const all = [...new Set([...children, ...demo.children()])];
      demo.kill("SIGTERM");
      expect(await demo.end()).toBe(128 + 15);
      expect(survivors(all)).toEqual([]);
    },
    MINUTE_MS,
  );
});

describe("a registry of three", () => {
  const restarted: string[] = [];
  const start = () => new X5ChildGroups((line) => restarted.push(line)).fresh(3, () => {});
  const leaderOf = async (urls: readonly URL[], besides = 0) => {
    for (;;) {
      const statuses = await statusesAt(urls);
      const latest = Math.max(...statuses.map((status) => status?.term ?? 0));
      const leader = statuses.find((status) => status?.term === latest)?.leader ?? 0;
      if (leader !== 0 && leader !== besides) return leader;
      await pause(20);
    }
  };

  test(
    "serves its clients through three deaths of its leader, and loses nothing",
    async () => {
      const group = await start();
      try {
        const urls = group.urls.join();
        const args = ["clients", "--registry", urls, "--seconds", "8"];
        const clients = Demo.start(args, [...NODE, START]);
        await clients.prints(/\d+ operations: ok/);
        for (let death = 0; death < 3; death++) {
          const leader = await leaderOf(group.urls);
          await group.kill(leader);
          await leaderOf(group.urls, leader);
          await group.restart(leader);
        }
        expect(await clients.end(), clients.output).toBe(0);
        const found = JSON.parse(clients.output.trim().split("\n").at(-1) ?? "");
        console.log(clients.output);
        expect(found).toMatchObject({ lost: 0, verdict: "ok", unknown: 0 });
        expect(restarted).toEqual([]);
      } finally {
        await group.stop();
      }
    },
    MINUTE_MS,
  );

  test(
    "keeps what was acknowledged when all of its members are killed at once",
    async () => {
      const group = await start();
      try {
        await leaderOf(group.urls);
        using client = registryAt(group.urls);
        const session = await client.openSession();
        await session.run({ do: "pay", workspace: "w", charge: "c", seats: 2 });
        await session.run({ do: "take", workspace: "w", person: "ada" });
        const before = await client.read({ of: "seats", workspace: "w" });
        await Promise.all([1, 2, 3].map((member) => group.kill(member)));
        await Promise.all([1, 2, 3].map((member) => group.restart(member)));
        expect(await client.read({ of: "seats", workspace: "w" }, { timeoutMs: 20_000 })).toEqual(
          before,
        );
        // The session is part of what is kept.
        expect(await session.run({ do: "take", workspace: "w", person: "bob" })).toMatchObject({
          ok: true,
          taken: 2,
        });
      } finally {
        await group.stop();
      }
    },
    MINUTE_MS,
  );
});
