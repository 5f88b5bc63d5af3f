// Adds up the reports that vitest leaves in the folder named on the command line (vitest.base.ts
// writes them where COMPENDIUM_REPORTS is set), names what failed or was skipped, and closes with
// one line over all of it. Exits with 1 if anything failed, or nothing ran.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [folder] = process.argv.slice(2);
let passed = 0;
let failed = 0;
let skipped = 0;
for (const file of readdirSync(folder)) {
  const report = JSON.parse(readFileSync(join(folder, file), "utf8"));
  for (const { name, status, message, assertionResults } of report.testResults) {
    // A file that cannot even be loaded has no tests to fail.
    if (status === "failed" && assertionResults.length === 0) {
      failed++;
      console.log(`FAILED  ${name}: ${String(message).split("\n")[0]}`);
    }
    for (const test of assertionResults) {
      if (test.status === "passed") passed++;
      else if (test.status === "failed") failed++;
      else skipped++;
      if (test.status !== "passed") {
        console.log(
          `${test.status === "failed" ? "FAILED" : "skipped"}  ${name}: ${test.fullName}`,
        );
      }
    }
  }
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
