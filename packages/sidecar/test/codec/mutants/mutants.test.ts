// The traps must kill each mutant of the guards.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { type GuardModules, guardTraps } from "../guard-traps.ts";
import { partTraps } from "../part-traps.ts";
import { mutants } from "./mutants.ts";

async function load(source: string): Promise<GuardModules> {
  const from = (file: string) => import(/* @vite-ignore */ path.join(source, "codec", file));
  return {
    frames: await from("rules/frame-scanner.ts"),
    floods: await from("rules/http2-floods.ts"),
    fields: await from("rules/http2-fields.ts"),
    requests: await from("rules/request-scanner.ts"),
    buffers: await from("node/outgoing-buffer.ts"),
    deadlines: await from("node/deadline.ts"),
    messages: await from("node/http1-messages.ts"),
  };
}

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../../.."),
  mutants,
  findFault: async (source) => {
    const modules = await load(source);
    return await faultOf(() => {
      for (const { run } of [...guardTraps, ...partTraps]) run(modules);
    });
  },
});
