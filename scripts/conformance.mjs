// Runs the public test data of other projects through each package that reads some. The data is not
// in this repository: COMPENDIUM_CONFORMANCE names the folder that holds it. Without that folder,
// says where each set comes from, and leaves it at that.
//
//   COMPENDIUM_CONFORMANCE=folder npm run conformance [package]
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

// Folder below COMPENDIUM_CONFORMANCE, and what to put there.
const sets = {
  "etcd-raft": "testdata/ of github.com/etcd-io/raft and of its quorum and confchange (Apache-2.0)",
  linearizability:
    "jepsen/ and kv/ are test_data/ of github.com/anishathalye/porcupine (MIT); jepsen/VERDICTS has lines such as `etcd_000 illegal`, from porcupine_test.go",
  sequence:
    "fugue-ordering.json is the ordering tests of github.com/josephg/eg-walker-reference (BSD-2-Clause)",
  traces:
    "*.json.gz are sessions of github.com/josephg/editing-traces (CC BY 4.0), three sequential and friendsforever",
};

const { COMPENDIUM_CONFORMANCE: root = "" } = process.env;
if (root === "" || !existsSync(root)) {
  const why = root === "" ? "is not set" : `names ${root}, which does not exist`;
  console.log(
    `conformance: skipped, because COMPENDIUM_CONFORMANCE ${why}. Let it name a folder with`,
  );
  for (const [folder, source] of Object.entries(sets)) console.log(`  ${folder}/: ${source}`);
  process.exit(0);
}

const each = fileURLToPath(new URL("each.mjs", import.meta.url));
const run = spawnSync(process.execPath, [each, "conformance", ...process.argv.slice(2)], {
  stdio: "inherit",
  // The packages run in folders of their own.
  env: { ...process.env, COMPENDIUM_CONFORMANCE: resolve(root) },
});
process.exit(run.status ?? 1);
