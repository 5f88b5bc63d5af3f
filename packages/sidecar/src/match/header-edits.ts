// Header edits, level by level: first what is removed, then what is added. A value that comes out
// empty is not added, unless the edit says so.
import type { Fields } from "../codec/fields.ts";
import type { FormatContext } from "../config/format-context.ts";
import type { HeaderEdit } from "../config/route-config.ts";

/** Changes the fields in place. */
export function applyEdits(
  edits: readonly HeaderEdit[],
  fields: Fields,
  context: FormatContext,
): void {
  for (const { remove, add } of edits) {
    for (const name of remove) fields.remove(name);
    for (const { name, value, how, keepEmpty } of add) {
      if (how === "add-if-absent" && fields.has(name)) continue;
      if (how === "overwrite-if-present" && !fields.has(name)) continue;
      const text = value.render(context);
      if (text === "" && !keepEmpty) continue;
      if (how === "append" || how === "add-if-absent") fields.append(name, text);
      else fields.set(name, text);
    }
  }
}
