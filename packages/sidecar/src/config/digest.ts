// A digest of a compiled configuration. It is made of what was understood, not of what was written:
// the order of keys, the spelling of names, defaults that are written out, comments and fields that
// are ignored leave it as it is, and a change that means something does not.
import { createHash } from "node:crypto";
import { Fields } from "../codec/fields.ts";

/** The first 16 bytes of SHA-256 over the value's canonical form, in hexadecimal. */
export function digestOf(value: unknown): string {
  return createHash("sha256").update(canonical(value)).digest("hex").slice(0, 32);
}

function canonical(value: unknown): string {
  if (value === undefined) return "undefined";
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value instanceof Uint8Array) return `bytes:${Buffer.from(value).toString("base64")}`;
  if (value instanceof Fields) return canonical(value.flat);
  if (value instanceof Set) return `set:[${[...value].map(canonical).sort().join(",")}]`;
  if (value instanceof Map) {
    const entries = [...value].map(([key, one]) => `${canonical(key)}=>${canonical(one)}`);
    return `map:[${entries.sort().join(",")}]`;
  }
  if ("toJSON" in value && typeof value.toJSON === "function") return canonical(value.toJSON());
  const entries = Object.entries(value).map(([key, one]) => {
    return `${JSON.stringify(key)}:${canonical(one)}`;
  });
  return `{${entries.sort().join(",")}}`;
}
