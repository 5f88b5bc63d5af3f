// What the registry is asked, and what it answers. A command comes from another process, so it is
// read before it is proposed: in the log, where every member must make the same of it, there is
// nothing that cannot be read.

const NAME = /^[\w-]{1,64}$/;
const TTL_MS_MAX = 600_000;
const SEATS_MAX = 1_000;

/** What changes the registry. */
export type RegistryCommand =
  | { readonly do: "acquire"; document: string; holder: string; ttlMs: number }
  | { readonly do: "renew"; document: string; epoch: number; ttlMs: number }
  | { readonly do: "release"; document: string; epoch: number }
  /** So many seats were paid for, by that charge. */
  | { readonly do: "pay"; workspace: string; charge: string; seats: number }
  | { readonly do: "take"; workspace: string; person: string }
  | { readonly do: "free"; workspace: string; person: string };

/** What can be asked without changing it. */
export type RegistryQuery =
  | { readonly of: "lease"; document: string }
  | { readonly of: "seats"; workspace: string };

/**
 * `held`: by somebody else. `stale`: a later epoch has come, or the lease has ended. `unpaid`: all
 * seats that were paid for are taken. `full`: a bound of the registry.
 */
export type WhyRefused = "held" | "stale" | "unpaid" | "full";

/** What an answer says besides. */
export interface Charged {
  /** Of a lease: who has it, since when, until when. */
  readonly holder?: string;
  readonly epoch?: number;
  readonly expiresMs?: number;
  /** Of a workspace: seats that were paid for, and that are taken. */
  readonly paid?: number;
  readonly taken?: number;
}

/** What became of a command. */
export interface RegistryAnswer extends Charged {
  /** Whether it is now as was asked. */
  readonly ok: boolean;
  /** Whether it was not so before. */
  readonly changed: boolean;
  /** How many changes there have been, this one included. */
  readonly revision: number;
  readonly why?: WhyRefused;
}

/** What a query finds; a lease that nobody holds has no holder. */
export interface RegistryFound extends Omit<Charged, "taken"> {
  readonly people?: readonly string[];
  readonly revision: number;
}

/** Reads what ought to be a command. Throws a TypeError or RangeError that says what is not. */
export function readCommand(asked: unknown): RegistryCommand {
  const fields = (typeof asked === "object" && asked !== null ? asked : {}) as Fields;
  const name = (key: string) => readName(key, fields[key]);
  const number = (key: string, most: number) => readNumber(key, fields[key], most);
  const epoch = () => number("epoch", Number.MAX_SAFE_INTEGER);
  switch (fields.do) {
    case "acquire":
      return {
        do: "acquire",
        document: name("document"),
        holder: name("holder"),
        ttlMs: number("ttlMs", TTL_MS_MAX),
      };
    case "renew": {
      const ttlMs = number("ttlMs", TTL_MS_MAX);
      return { do: "renew", document: name("document"), epoch: epoch(), ttlMs };
    }
    case "release":
      return { do: "release", document: name("document"), epoch: epoch() };
    case "pay": {
      const seats = number("seats", SEATS_MAX);
      return { do: "pay", workspace: name("workspace"), charge: name("charge"), seats };
    }
    case "take":
    case "free":
      return { do: fields.do, workspace: name("workspace"), person: name("person") };
  }
  throw new TypeError(`do must be acquire, renew, release, pay, take or free, got ${fields.do}`);
}

type Fields = { readonly do?: unknown } & Readonly<Record<string, unknown>>;

/** A name of a document, a workspace or a person. */
export function readName(key: string, value: unknown): string {
  if (typeof value === "string" && NAME.test(value)) return value;
  throw new TypeError(`${key} must be 1 to 64 letters, digits, - or _`);
}

/** A whole number from 1. */
export function readNumber(key: string, value: unknown, most: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most) {
    return value as number;
  }
  throw new RangeError(`${key} must be a whole number from 1 to ${most}, got ${value}`);
}
