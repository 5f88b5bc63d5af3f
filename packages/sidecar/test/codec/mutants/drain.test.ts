// Planted bugs in how connections of HTTP/1.1 are drained, each killed by a trap.
import path from "node:path";
import type { Mutant } from "@compendium/house/planted";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { drainTraps } from "../drain-traps.ts";

const server = (name: string, search: string, replacement: string): Mutant => {
  return { name, file: "codec/node/http1-server.ts", search, replacement };
};

const mutants: readonly Mutant[] = [
  server(
    "an idle connection is closed at once",
    "this.#scanner.isBetween) this.#waitForNext();",
    "this.#scanner.isBetween) this.#socket.end();",
  ),
  server("each drain begins another pause", "if (this.#isDraining) return;", ""),
  server(
    "a connection ends with a response that did not say so",
    "if (closes || ",
    "if (closes || this.#isDraining || ",
  ),
  server("whoever was asked to go was idle", "else if (this.#isDraining) this.#linger();", ""),
  server(
    "an idle connection stays for ever",
    "this.#isDraining ? Math.min(drainTimeoutMs, idleTimeoutMs) : idleTimeoutMs",
    "idleTimeoutMs",
  ),
  server(
    "a drain makes idle connections last longer",
    "Math.min(drainTimeoutMs, idleTimeoutMs)",
    "drainTimeoutMs",
  ),
  server(
    "nobody is told that it was the last",
    "get isDraining(): boolean {\n    return this.#isDraining;",
    "get isDraining(): boolean {\n    return false;",
  ),
];

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../../.."),
  mutants,
  findFault: async (source) => {
    const { NodeCodec } = await import(
      /* @vite-ignore */ path.join(source, "codec/node/node-codec.ts")
    );
    return await faultOf(async () => {
      for (const trap of Object.values(drainTraps)) await trap(NodeCodec);
    });
  },
});
