import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { freePort } from "./run.ts";

const main = new URL("../../src/main.ts", import.meta.url);

async function startedAt(url: string): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const response = await fetch(`${url}/control`).catch(() => undefined);
    if (response?.ok) return ((await response.json()) as { startedAtMs: number }).startedAtMs;
    await sleep(50);
  }
  throw new Error(`${url} did not answer within 10 s`);
}

test("--respawn: a service that exits is a fresh process at the same port, until it is told to stop", async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const service = fork(main, ["preview", "--respawn", "--port", String(port)]);
  try {
    const first = await startedAt(url);
    await fetch(`${url}/control/exit`, { method: "POST" });
    let second = first;
    for (let tries = 0; second === first && tries < 100; tries++) {
      await sleep(50);
      second = await startedAt(url);
    }
    expect(second).not.toBe(first);

    service.kill("SIGTERM");
    const [code] = await once(service, "exit");
    expect(code).toBe(0);
    await expect(fetch(`${url}/livez`)).rejects.toThrow();
  } finally {
    service.kill("SIGKILL");
  }
});
