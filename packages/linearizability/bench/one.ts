// One case in a fresh process: prints what it took as JSON. `plain` takes away what the model
// offers to make the search small, and leaves Wing, Gong and Lowe.
import { check } from "@compendium/linearizability";
import { cases } from "./cases.ts";

const [name = "", how] = process.argv.slice(2);
const { history, model } = (cases[name] as (typeof cases)[string]).make();
const { isRead, foresee, ...plain } = model;
const before = performance.now();
const { verdict, configurations } = check(history, how === "plain" ? plain : model, {
  stepsMax: 10_000_000,
});
const elapsedMs = performance.now() - before;
const peakMb = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify({ verdict, elapsedMs, peakMb, configurations }));
