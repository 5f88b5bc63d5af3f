// Runs one script in every package that has it, one package after the other, so that measurements
// do not disturb each other:
//
//   npm run bench                                  every package
//   npm run bench circuit-breaker                  one package
//   npm run bench -- --json FILE                   the tables as one JSON file, too
//   npm run simulate circuit-breaker -- --cases 1000000
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const packages = fileURLToPath(new URL("../packages/", import.meta.url));
const [script, ...rest] = process.argv.slice(2);
const asked = rest[0] !== undefined && !rest[0].startsWith("-") ? rest.shift() : undefined;
const jsonFile = script === "bench" ? takeJsonFlag(rest) : undefined;

const able = readdirSync(packages).filter((name) => scriptsOf(name)[script] !== undefined);
if (asked !== undefined && !able.includes(asked)) {
  stop(`${asked} has no script "${script}"; these have: ${able.join(", ")}`);
}

const scratch = mkdtempSync(join(tmpdir(), "compendium-"));
const results = {};
let failed = false;
for (const name of asked === undefined ? able : [asked]) {
  console.log(`\n@compendium/${name}: ${script}`);
  const part = join(scratch, `${name}.json`);
  const args = jsonFile === undefined ? rest : [...rest, "--json", part];
  const run = spawnSync("pnpm", ["--silent", "run", script, ...args], {
    cwd: join(packages, name),
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (run.status !== 0) failed = true;
  if (existsSync(part)) results[name] = JSON.parse(readFileSync(part, "utf8"));
}
if (jsonFile !== undefined) writeFileSync(jsonFile, `${JSON.stringify(results, null, 2)}\n`);
rmSync(scratch, { recursive: true });
process.exit(failed ? 1 : 0);

function scriptsOf(name) {
  const manifest = join(packages, name, "package.json");
  return existsSync(manifest) ? (JSON.parse(readFileSync(manifest, "utf8")).scripts ?? {}) : {};
}

function takeJsonFlag(args) {
  const at = args.indexOf("--json");
  if (at === -1) return undefined;
  const [, file] = args.splice(at, 2);
  return file ?? stop("--json needs the name of a file");
}

function stop(line) {
  console.error(`${script}: ${line}`);
  process.exit(2);
}
