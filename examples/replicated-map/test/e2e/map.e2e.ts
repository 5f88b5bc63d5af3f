// Three processes with disks of their own, and what may happen to them: killed, and started again
// with what the disk has; stopped, and let go on as if nothing had been. Whatever happens, what the
// clients see must be what one map would have shown them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { checkInTurns, kvModel } from "@compendium/linearizability";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LocalGroup } from "../../src/local-group.ts";
import { Clients } from "./clients.ts";

const WRITES = 60;

for (const args of [[], ["--grpc"]]) {
  describe(args[0] ?? "TCP", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "replicated-map-e2e-"));
    let group: LocalGroup;
    let clients: Clients;

    beforeAll(async () => {
      group = await LocalGroup.start({ folder, members: 3, args });
      clients = new Clients(group, 6);
      await clients.further(WRITES);
    });
    afterAll(async () => {
      await clients?.end();
      await group?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    test("the leader is killed, and comes back with its disk", async () => {
      const leader = await leaderOf(group);
      await group.signal(leader, "SIGKILL");
      await clients.further(WRITES);
      await group.start(leader);
      await clients.further(WRITES);
    });

    test("a follower stands still for a while", async () => {
      const leader = await leaderOf(group);
      const follower = group.ids.find((id) => id !== leader) as number;
      await group.signal(follower, "SIGSTOP");
      await clients.further(WRITES);
      await group.signal(follower, "SIGCONT");
      await clients.further(WRITES);
    });

    test("the leader stands still, another takes over, and it learns of that", async () => {
      const leader = await leaderOf(group);
      await group.signal(leader, "SIGSTOP");
      await clients.further(WRITES);
      await group.signal(leader, "SIGCONT");
      await clients.further(WRITES);
    });

    test("leadership is handed over under load", async () => {
      const leader = await leaderOf(group);
      const to = group.ids.find((id) => id !== leader) as number;
      const body = JSON.stringify({ to });
      const url = `${group.url(leader)}/admin/leader`;
      expect((await fetch(url, { method: "POST", body })).status).toBe(200);
      await clients.further(WRITES);
    });

    test("all are killed at once, and come back with their disks", async () => {
      await Promise.all(group.ids.map((id) => group.signal(id, "SIGKILL")));
      await Promise.all(group.ids.map((id) => group.start(id)));
      await clients.further(WRITES);
    });

    test("no acknowledged write is lost, on any member", async () => {
      await clients.end();
      expect(clients.acknowledged.size).toBeGreaterThan(WRITES);
      const lost: string[] = [];
      for (const [key, value] of clients.acknowledged) {
        for (const id of group.ids) {
          const response = await fetch(`${group.url(id)}/map/${key}`);
          if ((await response.text()) !== value) lost.push(`${key} at ${id}: ${response.status}`);
        }
      }
      expect(lost).toEqual([]);
    });

    test("what the clients saw is what one map would have shown them", async () => {
      const history = clients.recorder.history();
      const { verdict } = await checkInTurns(history, kvModel());
      console.log(`${history.length} operations: ${verdict}; attempts`, clients.seen);
      expect(verdict).toBe("ok");
      expect(clients.seen.repeated).toBeGreaterThan(0);
    });
  });
}

// Whoever calls itself the leader in the latest term; one that was stopped may still believe it.
async function leaderOf(group: LocalGroup): Promise<number> {
  for (;;) {
    const states = await Promise.all(
      group.ids.map(async (id) => {
        const response = await fetch(`${group.url(id)}/status`);
        return (await response.json()) as { id: number; term: number; role: string };
      }),
    );
    const latest = states.sort((a, b) => b.term - a.term)[0];
    const leader = states.find(({ role, term }) => role === "leader" && term === latest?.term);
    if (leader !== undefined) return leader.id;
  }
}
