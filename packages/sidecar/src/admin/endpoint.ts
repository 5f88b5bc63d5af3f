// An endpoint of the admin interface, and the query that it is asked with. A parameter that is not
// known is refused: somebody meant something by it, and a drain that is not graceful because of a
// misspelt word cannot be taken back.
import { AdminError } from "./admin-error.ts";
import type { AdminSubject } from "./admin-subject.ts";

/** What is sent back. */
export interface Answer {
  /** Default: 200. */
  readonly status?: number;
  readonly type: "text" | "json" | "prometheus";
  readonly body: string;
}

/** One endpoint. */
export interface Endpoint {
  readonly path: string;
  /** For `/help`. */
  readonly help: string;
  /** Whether it changes anything: it takes POST then, else GET. */
  readonly mutates: boolean;
  /** What the query may have; with values, what a parameter may be. */
  readonly parameters: Readonly<Record<string, readonly string[] | "any" | "flag">>;
  answer(query: Query, subject: AdminSubject): Answer | Promise<Answer>;
}

/** The parameters that were given. */
export type Query = ReadonlyMap<string, string>;

/**
 * Reads a query as an endpoint takes it.
 *
 * @throws AdminError for a parameter that is unknown, repeated, or not what it may be
 */
export function queryFor({ path, parameters }: Endpoint, search: URLSearchParams): Query {
  const query = new Map<string, string>();
  for (const [name, value] of search) {
    const kind = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (kind === undefined) {
      const known = Object.keys(parameters).join(", ") || "none";
      throw new AdminError("UNKNOWN_PARAMETER", `${path} takes ${known}, got ${shown(name)}`);
    }
    if (query.has(name)) throw new AdminError("REPEATED_PARAMETER", `${name} is there twice`);
    if (kind === "flag" && value !== "") {
      throw new AdminError("BAD_VALUE", `${name} takes no value, got ${shown(value)}`);
    }
    if (kind !== "any" && kind !== "flag" && !kind.includes(value)) {
      const message = `${name} must be one of ${kind.join(", ")}, got ${shown(value)}`;
      throw new AdminError("BAD_VALUE", message);
    }
    query.set(name, value);
  }
  return query;
}

/** A text. */
export const text = (body: string, status = 200): Answer => ({ type: "text", body, status });

/** A value in JSON. */
export const json = (value: unknown): Answer => {
  return { type: "json", body: `${JSON.stringify(value, undefined, 1)}\n` };
};

const shown = (value: string): string => JSON.stringify(value.slice(0, 64));
