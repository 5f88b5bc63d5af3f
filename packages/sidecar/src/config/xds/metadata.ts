// Metadata: of endpoints, and of routes that ask for endpoints with them. Only Envoy's load
// balancing looks at it here, so only its part is kept.
import { ignored, type Message, message, optional } from "../schema/message.ts";
import { shown } from "../schema/node.ts";
import { mapOf, type Reader, refine } from "../schema/reader.ts";

// Subsets are compared as text. A number or a truth that stands for the same text does, too.
const value: Reader<string> = {
  type: "string",
  read: (node) => {
    const { value: given } = node;
    if (typeof given === "string" || typeof given === "boolean") return String(given);
    if (typeof given === "number" && Number.isFinite(given)) return String(given);
    return node.fail(`must be a text, got ${shown(given)}`, "write one");
  },
};

const rest: Reader<undefined> = { type: "Struct", read: () => undefined };

/** A struct of texts. */
export const texts: Reader<Readonly<Record<string, string>>> = refine(mapOf(value), (entries) =>
  Object.fromEntries(entries),
);

const LB = "envoy.lb";

const filterMetadata: Reader<Readonly<Record<string, string>>> = {
  type: 'map, of which "envoy.lb" is taken',
  parts: () => [texts],
  read: (node) => {
    const parts = mapOf(rest).read(node);
    for (const key of parts.keys()) {
      if (key !== LB) node.entry(key, undefined).note("is ignored: it only observes");
    }
    const given = (node.value as Record<string, unknown>)[LB];
    return parts.has(LB) ? texts.read(node.entry(LB, given)) : {};
  },
};

/** What stands under "envoy.lb". */
export const metadata: Message<Readonly<Record<string, string>>> = message(
  "envoy.config.core.v3.Metadata",
  {
    filter_metadata: optional(filterMetadata),
    typed_filter_metadata: ignored("nothing here looks at it"),
  },
  (values) => values.filterMetadata ?? {},
);
