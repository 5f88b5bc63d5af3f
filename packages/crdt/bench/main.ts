// `npm run bench crdt [-- --json FILE]`: texts beside other libraries, then the types on the
// lattice. Each part can be run alone, as `node --conditions=@compendium/source --expose-gc
// bench/PART.ts`.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { json: { type: "string" } } });
const scratch = mkdtempSync(path.join(tmpdir(), "crdt-bench-"));
const rows: unknown[] = [];
for (const part of ["sequences.ts", "lattice.ts"]) {
  const script = fileURLToPath(new URL(part, import.meta.url));
  const file = path.join(scratch, `${part}.json`);
  const { status } = spawnSync(process.execPath, [...process.execArgv, script, "--json", file], {
    stdio: "inherit",
  });
  if (status !== 0) process.exitCode = 1;
  if (existsSync(file)) rows.push(...(JSON.parse(readFileSync(file, "utf8")) as unknown[]));
}
rmSync(scratch, { recursive: true });
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
