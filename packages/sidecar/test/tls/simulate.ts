// `pnpm run simulate:tls --rotations 100`: replaces the
// certificates of a proxy so many times under load, and exits 1 when a request fails.
import { parseArgs } from "node:util";
import { rotateUnderLoad } from "./rotation.ts";

const { values } = parseArgs({ options: { rotations: { type: "string", default: "100" } } });
const rotations = Number(values.rotations);
if (!(Number.isSafeInteger(rotations) && rotations >= 1)) {
  console.error("--rotations must be a whole number from 1");
  process.exit(2);
}
const report = await rotateUnderLoad(rotations, 8);
console.log(
  `${rotations} rotations: ${report.requests} requests on ${report.handshakes} connections, ` +
    `${report.certificates} certificates met, ${report.failures.length} requests failed`,
);
for (const failure of new Set(report.failures)) console.error(failure);
process.exitCode = report.failures.length > 0 ? 1 : 0;
