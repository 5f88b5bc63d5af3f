// W3C Trace Context: which trace a request belongs to, read as strictly as the recommendation has
// it. What is not well-formed is as if it were not there, and a new trace begins: a half-read id
// would join requests that have nothing to do with each other.
//
// https://www.w3.org/TR/trace-context/ §3.2 (traceparent), §3.3 (tracestate)
import type { Fields } from "../codec/fields.ts";

/** Whose child a request is. */
export interface TraceContext {
  /** 32 hexadecimal digits, in lower case. */
  readonly traceId: string;
  /** 16 of them. */
  readonly spanId: string;
  /** Whether the caller has recorded it. */
  readonly isSampled: boolean;
  /** The vendors' part, "" for none: passed on as it is. */
  readonly state: string;
}

const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** The context that a request brings; `undefined` for none, or none that is well-formed. */
export function readTraceContext(fields: Fields): TraceContext | undefined {
  const parents = fields.all("traceparent");
  // Two of them are two answers to one question.
  if (parents.length !== 1) return undefined;
  const found = PARENT.exec(parents[0] ?? "");
  if (found === null) return undefined;
  const [, version, traceId = "", spanId = "", flags = "", more] = found;
  // A later version may say more behind its flags; this one may not, and ff is none at all.
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  const isSampled = (Number.parseInt(flags, 16) & 1) === 1;
  return { traceId, spanId, isSampled, state: readState(fields.all("tracestate")) };
}

/** Puts a context into a request that is sent on. */
export function writeTraceContext(fields: Fields, context: TraceContext): void {
  const { traceId, spanId, isSampled, state } = context;
  fields.set("traceparent", `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`);
  if (state === "") fields.remove("tracestate");
  else fields.set("tracestate", state);
}

const MEMBER =
  /^([a-z0-9][a-z0-9_\-*/@]{0,255})=([\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e])$/;
const MEMBERS_MAX = 32;
const LENGTH_MAX = 4_096;

// All of it or nothing; the trace itself goes on without (§3.3.1.1).
function readState(values: readonly string[]): string {
  const all = values.join(",");
  if (all.length > LENGTH_MAX || /[^\t\x20-\x7e]/.test(all)) return "";
  const members: string[] = [];
  const keys = new Set<string>();
  for (const part of all.split(",")) {
    // By an expression, spaces in the middle of it would be looked at again from each of them.
    const member = part.trim();
    if (member === "") continue;
    const key = MEMBER.exec(member)?.[1];
    if (key === undefined || keys.has(key)) return "";
    keys.add(key);
    members.push(member);
  }
  return members.length > MEMBERS_MAX ? "" : members.join(",");
}
