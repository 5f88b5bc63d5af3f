// Writes the table of XDS.md anew, from the readers: `npm run xds`.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { subsetTable } from "./subset.ts";

const file = path.join(import.meta.dirname, "../../XDS.md");
const MARK = "<!-- From here on: written by `npm run xds`. -->";
const [before = ""] = readFileSync(file, "utf8").split(MARK);
writeFileSync(file, `${before}${MARK}\n\n${subsetTable()}`);
