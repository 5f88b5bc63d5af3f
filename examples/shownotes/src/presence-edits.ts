// What an HTTP request asks of an episode. It comes from outside, so it is read as a whole before
// anything is done.
import type { EpisodeEdit } from "./presence-episode.ts";

const NAME = /^[\w-]{1,64}$/;
const POSITION_MAX = 1_000_000;

/** What is asked: an edit; or only to look. */
export interface EpisodeRequest {
  readonly id: string;
  readonly edit?: EpisodeEdit;
}

/** What cannot be done to what. */
export class MethodError extends Error {
  readonly allow: string;

  constructor(allow: string) {
    super(`only ${allow}`);
    this.allow = allow;
  }
}

/** Whether this can name an episode, a tag, a person or a region. */
export function isName(value: unknown): value is string {
  return typeof value === "string" && NAME.test(value);
}

/**
 * Reads a request for `/episodes/…`; undefined: there is nothing of that name.
 *
 * @throws TypeError or RangeError for what cannot be read, MethodError for what cannot be done
 */
export function readEpisodeRequest(
  method: string,
  pathname: string,
  body: Record<string, unknown>,
): EpisodeRequest | undefined {
  const [root, area, id, part, name, ...more] = pathname.split("/");
  if (root !== "" || area !== "episodes" || id === undefined || more.length > 0) return undefined;
  if (!isName(id)) throw new TypeError("an episode must be 1 to 64 letters, digits, - or _");
  if (part === undefined) return only("GET", method, { id });
  const isNamed = part === "tags" || part === "cursors";
  if (isNamed !== (name !== undefined)) return undefined;
  if (isNamed && !isName(name)) throw new TypeError(`${part}: 1 to 64 letters, digits, - or _`);
  switch (part) {
    case "tags": {
      const tag = name as string;
      if (method === "POST") return { id, edit: { do: "tag", tag } };
      return only("DELETE", method, { id, edit: { do: "untag", tag } }, "POST, DELETE");
    }
    case "stars":
      if (method === "POST") return { id, edit: { do: "star" } };
      return only("DELETE", method, { id, edit: { do: "unstar" } }, "POST, DELETE");
    case "notes":
      return only("PATCH", method, () => ({ id, edit: readWrite(body) }));
    case "cursors": {
      const person = name as string;
      if (method === "DELETE") return { id, edit: { do: "leave", person } };
      const { at } = body;
      const point = () => ({ id, edit: { do: "point", person, at: readAt(at) } as const });
      return only("PUT", method, point, "PUT, DELETE");
    }
  }
  return undefined;
}

function only(
  wanted: string,
  method: string,
  asked: EpisodeRequest | (() => EpisodeRequest),
  allow: string = wanted,
): EpisodeRequest {
  if (method !== wanted) throw new MethodError(allow);
  return typeof asked === "function" ? asked() : asked;
}

function readWrite(body: Record<string, unknown>): EpisodeEdit {
  const { at, delete: count = 0, insert = "", ...others } = body;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new TypeError(`only at, delete and insert may be said, got "${unknown}"`);
  }
  if (typeof insert !== "string" || !insert.isWellFormed()) {
    throw new TypeError("insert must be a text");
  }
  const edit = { do: "write", delete: readCount("delete", count), insert } as const;
  return at === undefined ? edit : { ...edit, at: readAt(at) };
}

function readAt(value: unknown): number {
  return readCount("at", value);
}

function readCount(name: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= POSITION_MAX) {
    return value as number;
  }
  throw new RangeError(`${name} must be a whole number from 0 to ${POSITION_MAX}, got ${value}`);
}
