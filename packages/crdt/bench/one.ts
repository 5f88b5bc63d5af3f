// One case with one library and one trace, in a process of its own: prints the best of N as JSON.
import { readTrace } from "../test/conformance/traces.ts";
import { cases } from "./cases.ts";
import { libraries } from "./libraries.ts";

const [name = "", library = "", trace = "", rounds = "1"] = process.argv.slice(2);
const { COMPENDIUM_CONFORMANCE: root = "" } = process.env;
const { transactions } = readTrace(root, trace);
const patches = transactions.flatMap((transaction) => transaction.patches);
const figures: number[] = [];
for (let i = 0; i < Number(rounds); i++) {
  const figure = cases[name]!.run(libraries[library]!, { [trace]: patches }, trace);
  if (figure !== undefined) figures.push(figure);
}
console.log(JSON.stringify(figures.length === 0 ? null : Math.min(...figures)));
