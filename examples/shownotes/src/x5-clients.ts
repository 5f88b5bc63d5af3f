// X5's clients alone, for a registry that runs elsewhere while somebody else breaks it: containers
// that are killed, paused and cut off. Says every second what the checker has to say, and at the
// end how long the longest gap was. Exits with 0 if nothing was lost and the history is as of one
// copy.
import { sleep, systemClock } from "@compendium/runtime";
import { registryAt } from "./registry-http.ts";
import { LiveCheck } from "./x5-check.ts";
import { Crew, gapMs, lostOf } from "./x5-crew.ts";
import { x5Scenario } from "./x5-scenario.ts";

const SAY_EVERY_MS = 1_000;

/** Runs the clients for so long, and says what they saw. */
export async function runClients(options: {
  registryUrls: readonly URL[];
  seconds: number;
}): Promise<void> {
  const signal = new AbortController().signal;
  using client = registryAt(options.registryUrls);
  const name = Date.now().toString(36);
  const crew = new Crew({ client, clock: systemClock, scenario: x5Scenario, name });
  const check = new LiveCheck(() => crew.history);
  const working = crew.work(signal);
  // Told at the end, where it is awaited.
  working.catch(() => {});
  const fromMs = performance.now();
  for (let second = 0; second < options.seconds; second++) {
    await sleep(SAY_EVERY_MS, { signal });
    const { operations, verdict } = await check.now(signal);
    const answered = crew.acknowledged.at(-1)?.atMs ?? fromMs;
    const ago = Math.round(performance.now() - answered);
    console.log(`${operations} operations: ${verdict}; last command answered ${ago} ms ago`);
  }
  const toMs = performance.now();
  crew.rest();
  await working;
  const { checks, operations, verdict } = await check.now(signal);
  const { revision } = await client.read({ of: "seats", workspace: "none" }, { signal });
  const lost = lostOf(crew.acknowledged, revision);
  // Not from the start: it takes a while until the first of them has a session.
  const firstMs = crew.acknowledged[0]?.atMs ?? fromMs;
  const gap = Math.round(gapMs(crew.acknowledged, firstMs, toMs));
  const acknowledged = crew.acknowledged.length;
  const { unknown } = crew;
  console.log(
    JSON.stringify({ operations, acknowledged, unknown, gapMs: gap, lost, checks, verdict }),
  );
  process.exitCode = verdict === "ok" && lost === 0 ? 0 : 1;
}
