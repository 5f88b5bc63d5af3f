// npm run simulate:router [-- HISTORIES [SEED]]: random histories of the router in virtual time,
// and what a cluster that fails entirely gets because of retries. Exits 1 when something did not
// hold.
import path from "node:path";
import { amplify } from "./amplification.ts";
import { checkHistory } from "./history.ts";
import { loadSubject } from "./subject.ts";

const [histories = 20_000, seed = 1] = process.argv.slice(2).map(Number);
const subject = await loadSubject(path.join(import.meta.dirname, "../../src"));

let broken = 0;
for (let at = seed; at < seed + histories; at++) {
  try {
    checkHistory(subject, at);
  } catch (error) {
    if (broken++ < 10) console.log(`seed ${at}: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
console.log(`router: ${histories} histories from seed ${seed}: ${broken} did not hold`);

const budget = { percent: 20, retriesMin: 3 };
for (const concurrency of [3, 12, 100, 400, 1_000]) {
  const load = { concurrency, requests: concurrency * 50, latencyMs: 50 };
  for (const [name, retrying] of [
    ["no retries", {}],
    ["a budget of 20 %, 3 at least", { retries: 3, retryBudget: budget }],
    ["three retries each", { retries: 3, retriesMax: 1e6 }],
  ] as const) {
    const { factor, meanMs, longestMs, attemptsMax } = amplify(subject, { ...load, ...retrying });
    const times = `answered after ${meanMs.toFixed(1)} ms on average, ${longestMs} ms at most`;
    const most = `${attemptsMax} attempts at a time at most`;
    console.log(`${concurrency} at a time, ${name}: ${factor.toFixed(3)} ×, ${times}, ${most}`);
    // Below that, the three that are always allowed weigh more.
    if ("retryBudget" in retrying && concurrency >= 100 && factor > 1.25) process.exitCode = 1;
  }
}
