// The suite must kill each mutant: one of the traps has to fail on it.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { type AdminModules, adminTraps } from "../admin-traps.ts";
import { mutants } from "./mutants.ts";

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../../.."),
  mutants,
  findFault: async (source) => {
    const load = (file: string) => import(/* @vite-ignore */ path.join(source, file));
    const modules: AdminModules = {
      server: await load("admin/admin-server.ts"),
      dump: await load("admin/config-dump.ts"),
      clusters: await load("admin/clusters.ts"),
      fields: await load("codec/fields.ts"),
    };
    return await faultOf(async () => {
      for (const trap of Object.values(adminTraps)) await trap(modules);
    });
  },
});
