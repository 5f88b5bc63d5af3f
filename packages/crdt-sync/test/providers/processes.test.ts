// A real process on a real disk, killed with SIGKILL while it writes and sends: what was heard of
// it is in its next life, under the same name, and nothing is refused.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { Text } from "@compendium/crdt";
import { type SyncEvent, SyncNode } from "@compendium/crdt-sync";
import { GrpcTransport } from "@compendium/crdt-sync/grpc";
import { WsTransport } from "@compendium/crdt-sync/ws";
import { expect, test } from "vitest";
import { until } from "./contract.ts";

async function start(kind: string, folder: string): Promise<[ChildProcess, string]> {
  const script = path.join(import.meta.dirname, "child.ts");
  const child = spawn(process.execPath, ["--conditions=@compendium/source", script, kind, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [address] = await once(createInterface({ input: child.stdout as never }), "line");
  return [child, address];
}

test.each(["ws", "grpc"])("kill -9 of a region over %s, three times", async (kind) => {
  const folder = mkdtempSync(path.join(tmpdir(), "crdt-sync-"));
  const events: SyncEvent[] = [];
  await using node = new SyncNode({ name: "here", onEvent: (event) => events.push(event) });
  const text = new Text("here");
  await node.open("notes", text);
  const transport = kind === "ws" ? new WsTransport() : new GrpcTransport();
  try {
    for (let life = 1; life <= 3; life++) {
      const [child, address] = await start(kind, folder);
      const peering = node.connect(transport, address);
      const before = text.length;
      text.insert(0, `life ${life}\n`);
      await until(() => text.length > before + 200);
      child.kill("SIGKILL");
      await once(child, "exit");
      await peering.close();
    }
    expect(events.filter(({ type }) => type === "refused" || type === "diverged")).toEqual([]);
    const lines = text.toString().trimEnd().split("\n");
    // Each line once, and none is missing between two that were heard.
    expect(new Set(lines).size).toBe(lines.length);
    for (const pid of new Set(lines.map((line) => line.split(":")[0]))) {
      const numbers = lines
        .filter((line) => line.startsWith(`${pid}:`))
        .map((line) => line.split(":")[1]);
      expect(numbers).toEqual(numbers.map((_, i) => String(i)));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
