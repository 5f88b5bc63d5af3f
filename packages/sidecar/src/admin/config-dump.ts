// `/config_dump`: the snapshot that is in force, as it was compiled, defaults filled in. Keys of
// certificates are not in it, only their files' names; what a header is set to or compared with is
// left out where the header's name says that it is a secret.
import { Fields } from "../codec/fields.ts";
import { type Endpoint, json } from "./endpoint.ts";

/** `/config_dump`. */
export const configDump: Endpoint = {
  path: "/config_dump",
  help: "dump current configs (the compiled snapshot)",
  mutates: false,
  parameters: {},
  answer: (_, subject) => json(plainOf(subject.snapshot() ?? {})),
};

// Names of headers whose values are credentials.
const secretName =
  /^(?:authorization|proxy-authorization|cookie|set-cookie|.*(?:api-?key|secret|token|password).*)$/i;

const redacted = "[redacted]";

/** The value as JSON can have it, without secrets. */
export function plainOf(value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plainOf);
  if (value instanceof Uint8Array) return { bytes: value.length };
  if (value instanceof Fields) return fieldsOf(value);
  if (value instanceof Set) return [...value].map(plainOf);
  if (value instanceof Map) return objectOf(value);
  if ("toJSON" in value && typeof value.toJSON === "function") return plainOf(value.toJSON());
  const { name } = value as { readonly name?: unknown };
  const isSecret = typeof name === "string" && secretName.test(name);
  return objectOf(
    Object.entries(value).map(([key, one]) => {
      return [key, isSecret && (key === "value" || key === "match") ? redacted : one];
    }),
  );
}

function fieldsOf(fields: Fields): unknown {
  const list: { readonly name: string; readonly value: string }[] = [];
  fields.forEach((name, value) => void list.push({ name, value }));
  return list.map(plainOf);
}

// Without a prototype: a key of the document may be "__proto__".
function objectOf(entries: Iterable<readonly [unknown, unknown]>): Record<string, unknown> {
  const made: Record<string, unknown> = Object.create(null);
  for (const [key, value] of entries) {
    made[typeof key === "string" ? key : JSON.stringify(plainOf(key))] = plainOf(value);
  }
  return made;
}
