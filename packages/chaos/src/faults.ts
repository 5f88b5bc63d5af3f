// The language of faults: what may be broken, within which limits, and how a value from outside
// (an option, a JSON body) becomes one. One table says what each field may be; the library's
// RangeErrors and the control API's 400s both come from it, so they cannot disagree.
//
// A patch is a JSON merge patch (RFC 7396): what it names replaces, null removes, the rest stays.
//
// Left out: a probability per connection (Toxiproxy's `toxicity`, Envoy's `percentage`). A fault
// here strikes every connection; chance is in the jitter alone.

/** Faults of one direction of every connection. A field that is absent is not in force. */
export interface DirectionFaults {
  /** Each byte comes out this much later. In [0, 600,000]. */
  latencyMs?: number;
  /** The latency varies by up to this much either way, uniformly. In [0, latencyMs]. */
  jitterMs?: number;
  /** The line carries this many bytes a second, each connection its own. In [1, 10¹⁰]. */
  bandwidthBytesPerSecond?: number;
  /**
   * Bytes are held while this is true and flow, in order, once it is lifted. One direction alone is
   * a one-way cut.
   */
  blackhole?: boolean;
  /** Just so many more bytes are carried, then the connection is reset. An integer in [0, 2⁵³). */
  resetAfterBytes?: number;
}

/** Resets connections (TCP RST on both sides) once they have lived for a while under the fault. */
export interface ResetFault {
  /** `all` (default): what is open when the fault begins, and what comes. `new`: what comes. */
  scope?: "all" | "new";
  /** From the fault's begin, or the connection's if that is later. In [0, 600,000], default 0. */
  afterMs?: number;
}

/** All that can be wrong with a proxied address. `{}` is a healthy network. */
export interface Faults {
  /** Client → server. */
  upstream?: DirectionFaults;
  /** Server → client. */
  downstream?: DirectionFaults;
  /** Shorthand: goes into `upstream` and `downstream`, whose own fields win. */
  both?: DirectionFaults;
  /** Nobody listens: new connections get ECONNREFUSED; those that are open stay. */
  refuse?: boolean;
  /** Connections are aborted; see also `resetAfterBytes`. */
  reset?: ResetFault;
}

/** A patch of `T`: null removes a field (RFC 7396). */
export type Patch<T> = { [K in keyof T]?: Patch<T[K]> | null };

/** A change of {@link Faults}: what is absent stays, null removes. */
export type FaultsPatch = Patch<Faults>;

/** Why a value is not {@link Faults}. */
export interface FaultsProblem {
  /** A path, such as `downstream.latencyMs`. */
  field: string;
  /** A sentence that names the field, the value and what is allowed. */
  message: string;
  kind: "type" | "range";
}

/** Faults, or why not. */
export type FaultsReading = { faults: Faults; problem?: never } | { problem: FaultsProblem };

type Rule =
  | { is: "number"; min: number; max: number; integer?: true }
  | { is: "boolean" }
  | { is: "choice"; choices: readonly string[] }
  | { is: "object"; fields: Readonly<Record<string, Rule>> };

const DURATION: Rule = { is: "number", min: 0, max: 600_000 };
const DIRECTION: Rule = {
  is: "object",
  fields: {
    latencyMs: DURATION,
    jitterMs: DURATION,
    bandwidthBytesPerSecond: { is: "number", min: 1, max: 1e10 },
    blackhole: { is: "boolean" },
    resetAfterBytes: { is: "number", min: 0, max: Number.MAX_SAFE_INTEGER, integer: true },
  },
};
const FAULTS: Rule = {
  is: "object",
  fields: {
    upstream: DIRECTION,
    downstream: DIRECTION,
    both: DIRECTION,
    refuse: { is: "boolean" },
    reset: {
      is: "object",
      fields: { scope: { is: "choice", choices: ["all", "new"] }, afterMs: DURATION },
    },
  },
};

/** Reads a whole description of faults; `both` is resolved and what says nothing is left out. */
export function readFaults(value: unknown): FaultsReading {
  const problem = check(value, FAULTS, "", false);
  return problem ? { problem } : settle(spread(value as Fields));
}

/** Applies a merge patch to faults that {@link readFaults} gave. Neither argument is changed. */
export function patchFaults(faults: Faults, patch: unknown): FaultsReading {
  const problem = check(patch, FAULTS, "", true);
  return problem ? { problem } : settle(merge(faults as Fields, spread(patch as Fields)));
}

/** The error that misuse of the library throws. */
export function problemError({ kind, message }: FaultsProblem): TypeError | RangeError {
  return kind === "type" ? new TypeError(message) : new RangeError(message);
}

type Fields = Readonly<Record<string, unknown>>;

function check(
  value: unknown,
  rule: Rule,
  field: string,
  patch: boolean,
): FaultsProblem | undefined {
  // Null at the very top would be a patch that removes everything: that is DELETE's, not PATCH's.
  const absent = value === undefined || (patch && value === null);
  if (absent && field !== "") return undefined;
  const name = field === "" ? "faults" : field;
  const wrong = (kind: "type" | "range", allowed: string): FaultsProblem => ({
    field: name,
    kind,
    message: `${name} must be ${allowed}, got ${show(value)}`,
  });
  switch (rule.is) {
    case "boolean":
      return typeof value === "boolean" ? undefined : wrong("type", "true or false");
    case "choice": {
      const allowed = `one of ${rule.choices.join(", ")}`;
      if (typeof value !== "string") return wrong("type", allowed);
      return rule.choices.includes(value) ? undefined : wrong("range", allowed);
    }
    case "number": {
      const allowed = `${rule.integer ? "an integer" : "a number"} in [${rule.min}, ${rule.max}]`;
      if (typeof value !== "number") return wrong("type", allowed);
      const fits = value >= rule.min && value <= rule.max;
      return fits && (!rule.integer || Number.isInteger(value))
        ? undefined
        : wrong("range", allowed);
    }
    case "object": {
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        return wrong("type", "an object");
      }
      return checkFields(value as Fields, rule.fields, field, patch);
    }
  }
}

function checkFields(
  value: Fields,
  rules: Readonly<Record<string, Rule>>,
  field: string,
  patch: boolean,
): FaultsProblem | undefined {
  for (const [key, item] of Object.entries(value)) {
    const path = field === "" ? key : `${field}.${key}`;
    if (!Object.hasOwn(rules, key)) {
      const known = `${field === "" ? "faults" : field} may have ${Object.keys(rules).join(", ")}`;
      return { field: path, kind: "type", message: `${path} is not a known field; ${known}` };
    }
    const problem = check(item, rules[key] as Rule, path, patch);
    if (problem) return problem;
  }
  return undefined;
}

// `both` becomes the two directions. In a patch, null for a direction wins over `both`.
function spread({ both, ...rest }: Fields): Fields {
  if (both === undefined) return rest;
  const spreadInto = (own: unknown): unknown => {
    if (own === undefined || both === null) return own ?? both;
    return own === null ? null : { ...(both as Fields), ...(own as Fields) };
  };
  const { upstream, downstream } = rest;
  return { ...rest, upstream: spreadInto(upstream), downstream: spreadInto(downstream) };
}

function merge(target: Fields, patch: Fields): Fields {
  const merged: Record<string, unknown> = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    const old = merged[key];
    if (value === null) delete merged[key];
    else if (isFields(value)) merged[key] = merge(isFields(old) ? old : {}, value);
    else merged[key] = value;
  }
  return merged;
}

// Checks what spans two fields and leaves out what says nothing, so that equal faults look equal.
function settle(value: Fields): FaultsReading {
  const settled: Faults = {};
  for (const name of ["upstream", "downstream"] as const) {
    const direction = merge({}, (value[name] ?? {}) as Fields) as DirectionFaults;
    const { jitterMs = 0, latencyMs = 0 } = direction;
    if (jitterMs > latencyMs) {
      const field = `${name}.jitterMs`;
      const message = `${field} must be in [0, latencyMs] = [0, ${latencyMs}], got ${jitterMs}`;
      return { problem: { field, kind: "range", message } };
    }
    if (direction.blackhole === false) delete direction.blackhole;
    if (latencyMs === 0) delete direction.latencyMs;
    if (jitterMs === 0) delete direction.jitterMs;
    if (Object.keys(direction).length > 0) settled[name] = direction;
  }
  const { refuse, reset } = value as Faults;
  if (refuse === true) settled.refuse = true;
  if (reset) settled.reset = { scope: reset.scope ?? "all", afterMs: reset.afterMs ?? 0 };
  return { faults: settled };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

function show(value: unknown): string {
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? typeof value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
