// What a request says, read under limits: a header or a body that cannot be meant is refused before
// anything is proposed.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { SessionCommandId } from "@compendium/raft/node";

const KEY_CHARACTERS_MAX = 256;
const BODY_BYTES_MAX = 65_536;

/** A request that was refused before anything was done. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(`${JSON.stringify(value)}\n`);
}

/** The key that a part of a path names. */
export function keyOf(part: string): string {
  try {
    const key = decodeURIComponent(part);
    if (key.length >= 1 && key.length <= KEY_CHARACTERS_MAX) return key;
  } catch {}
  throw new HttpError(400, `a key has 1 to ${KEY_CHARACTERS_MAX} characters, escaped as in a URL`);
}

/** The body, which must be UTF-8 of at most 64 KiB. */
export async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new HttpError(413, `at most ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new HttpError(400, "the body is not UTF-8");
  }
}

/** The body as a JSON object; none is an empty one. */
export async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const text = await readText(request);
  try {
    const value: unknown = JSON.parse(text || "{}");
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {}
  throw new HttpError(400, "the body must be a JSON object");
}

/** `If-Match: "17"`: only if the version is 17. `If-None-Match: *`: only if there is no value. */
export function ifVersion({ headers }: IncomingMessage): { ifVersion?: number } {
  const { "if-match": match, "if-none-match": noneMatch } = headers;
  if (noneMatch !== undefined) {
    if (noneMatch === "*" && match === undefined) return { ifVersion: 0 };
    throw new HttpError(400, "of If-None-Match only * is understood, and alone");
  }
  if (match === undefined) return {};
  const version = /^"([1-9]\d{0,15})"$/.exec(match)?.[1];
  if (version !== undefined) return { ifVersion: Number(version) };
  throw new HttpError(400, `If-Match must be one ETag of this map, like "17"`);
}

/**
 * `Session-Id: 5` and `Session-Sequence: 3`: the third command of session 5, carried out once
 * however often it is sent. `Session-Acknowledged` says up to which of its commands the client has
 * the answers; the one before, unless it is given.
 */
export function sessionOf(request: IncomingMessage): { session?: SessionCommandId } {
  const id = count(request, "session-id");
  const sequence = count(request, "session-sequence");
  if (id === undefined && sequence === undefined) return {};
  if (!id || !sequence) throw new HttpError(400, "Session-Id and Session-Sequence go together");
  const acknowledged = count(request, "session-acknowledged") ?? sequence - 1;
  return { session: { id, sequence, acknowledged } };
}

function count({ headers }: IncomingMessage, name: string): number | undefined {
  const text = headers[name];
  if (text === undefined) return undefined;
  if (typeof text === "string" && /^\d{1,15}$/.test(text)) return Number(text);
  throw new HttpError(400, `${name} must be a whole number`);
}
