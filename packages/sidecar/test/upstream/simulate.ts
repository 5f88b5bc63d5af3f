// npm run simulate [-- CHANGES [SEED]]: endpoints that change under load on real sockets, and after
// that random histories of a cluster in virtual time, ten for each change. Exits 1 when a request
// has failed or something did not hold.
import { healthCheck } from "../health/config.ts";
import { runChurn } from "./churn.ts";
import { checkUpstreamSeed } from "./model-check.ts";

const [changes = 1_000, seed = 1] = process.argv.slice(2).map(Number);
const healthChecks = [healthCheck()];
const kinds = [
  { name: "HTTP/1.1", upstream: "h1" },
  { name: "HTTP/2", upstream: "h2" },
  { name: "HTTP/1.1, health checks", upstream: "h1", cluster: { healthChecks, panicThreshold: 0 } },
] as const;

for (const { name, ...kind } of kinds) {
  const { requests, failures, connections } = await runChurn({ seed, changes, ...kind });
  const numbers = `${requests} requests, ${connections} connections, ${failures.length} failed`;
  console.log(`${name}, seed ${seed}: ${changes} changes, ${numbers}`);
  for (const failure of failures.slice(0, 10)) console.log(`  ${failure}`);
  if (failures.length > 0) process.exitCode = 1;
}

const histories = changes * 10;
let broken = 0;
for (let at = seed; at < seed + histories; at++) {
  await checkUpstreamSeed(at).catch((error: Error) => {
    if (broken++ < 10) console.log(`seed ${at}: ${error.message}`);
    process.exitCode = 1;
  });
}
console.log(`${histories} histories from seed ${seed}: ${broken} in which something did not hold`);
