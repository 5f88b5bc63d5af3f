// How a report ends: what was expected has been seen, or what speaks against it.
import { styleText } from "node:util";

/** One green line, or a red one for each objection. */
export function formatVerdict(objections: readonly string[], asExpected: string): string[] {
  if (objections.length === 0) return [styleText("green", `  ✔ ${asExpected}`)];
  return objections.map((objection) => styleText("red", `  ✘ ${objection}`));
}
