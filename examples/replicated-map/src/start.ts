// `npm start`: a group of three on this machine, in a temporary folder, and what to try with it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { LocalGroup } from "./local-group.ts";

const folder = mkdtempSync(path.join(tmpdir(), "replicated-map-"));
const group = await LocalGroup.start({
  folder,
  members: 3,
  args: process.argv.slice(2),
  onDeath: (id, how) =>
    console.log(`member ${id} has ended (${how}): type ${id} to start it again`),
});

function show(id: number): void {
  console.log(`member ${id}   ${group.url(id)}   pid ${group.pid(id)}`);
}

for (const id of group.ids) show(id);
console.log(`
curl ${group.url(1)}/map/colour -X PUT -d green          # its version is its ETag
curl -i ${group.url(2)}/map/colour                       # any member; as new as any answer
curl -i ${group.url(3)}/map/colour -X PUT -d red -H 'If-Match: "1"'      # refused: another version
curl ${group.url(1)}/status                              # "lead" is the leader
kill -9 ${group.pid(1)}                                  # then read it all again

Type the number of a member to start it again; q ends all of them. Data: ${folder}`);

const lines = createInterface({ input: process.stdin });
lines.on("line", async (line) => {
  const id = Number(line);
  if (line.trim() === "q") return await end();
  if (!group.ids.includes(id) || group.pid(id) !== undefined) return;
  await group.start(id).then(
    () => show(id),
    (error: Error) => console.error(error.message),
  );
});
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, end);

async function end(): Promise<void> {
  lines.close();
  await group.close();
  rmSync(folder, { recursive: true, force: true });
}
