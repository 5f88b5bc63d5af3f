// The field Vary (RFC 9110 §12.5.5): by what else than its URI a response was chosen. Without it a
// cache gives the answer for one client to another.
import type { Fields } from "../codec/fields.ts";

/**
 * Adds a name to Vary, unless it is there or all is said with "*".
 *
 * @param name in lower case
 */
export function addVary(fields: Fields, name: string): void {
  const { flat } = fields;
  for (let i = 0; i < flat.length; i += 2) {
    if (flat[i] !== "vary") continue;
    for (const part of flat[i + 1]!.split(",")) {
      const varied = part.trim().toLowerCase();
      if (varied === name || varied === "*") return;
    }
  }
  fields.append("vary", name);
}
