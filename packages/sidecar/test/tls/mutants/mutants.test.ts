// The suite must kill each mutant: a trap has to fail on it.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { chainTraps } from "../chain-traps.ts";
import { clientHelloTraps } from "../client-hello-traps.ts";
import { type NamesSubject, namesTraps } from "../names-traps.ts";
import { mutants } from "./mutants.ts";

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../../.."),
  mutants,
  findFault: async (source) => {
    const load = (file: string) => import(/* @vite-ignore */ path.join(source, file));
    const { readFirstBytes } = await load("tls/client-hello.ts");
    const { ChainTable } = await load("listener/chain-table.ts");
    const names = { ...(await load("tls/alt-names.ts")), ...(await load("tls/peer-names.ts")) };
    return await faultOf(() => {
      for (const trap of Object.values(clientHelloTraps)) trap(readFirstBytes);
      for (const trap of Object.values(namesTraps)) trap(names as NamesSubject);
      for (const trap of Object.values(chainTraps)) trap(ChainTable);
    });
  },
});
