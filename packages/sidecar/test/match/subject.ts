// The modules of src/match, from the sources or from a copy of them.
import path from "node:path";
import type { MatchSubject } from "./traps.ts";

const files = [
  "header-edits.ts",
  "header-matcher.ts",
  "path-normalizer.ts",
  "query.ts",
  "rewrite.ts",
  "route-table.ts",
  "string-matcher.ts",
];

/** @param source a folder such as `src` */
export async function loadSubject(source: string): Promise<MatchSubject> {
  const modules = await Promise.all(
    files.map(async (file) => await import(/* @vite-ignore */ path.join(source, "match", file))),
  );
  return Object.assign({}, ...modules) as MatchSubject;
}
