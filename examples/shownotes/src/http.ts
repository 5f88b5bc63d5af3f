// The few lines of HTTP that every service needs and node:http leaves out.
import { type Agent, get, type IncomingMessage, request, type ServerResponse } from "node:http";

const BODY_BYTES_MAX = 4_096;
const ANSWER_BYTES_MAX = 1_048_576;

/** Answers with text. */
export function sendText(response: ServerResponse, status: number, text: string): void {
  send(response, status, "text/plain; charset=utf-8", text);
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, "application/json", JSON.stringify(value));
}

/** Answers with a body of a stated type, whose length is known. */
export function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(body);
}

/**
 * The body as a JSON object; no body is an empty one. Throws a SyntaxError for what is no JSON, a
 * TypeError for what is no object, and a RangeError for more than 4,096 bytes.
 */
export async function readJson(message: IncomingMessage): Promise<Record<string, unknown>> {
  const text = await readText(message, BODY_BYTES_MAX);
  if (text === "") return {};
  const value: unknown = JSON.parse(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new TypeError("body must be a JSON object");
}

/** Options of a call to another service. */
export interface CallOptions {
  agent?: Agent;
  /** Ends the call, and frees its connection. */
  signal?: AbortSignal;
}

/** GETs JSON. Rejects when the answer is not 200, or not JSON. */
export async function getJson<T>(url: URL, options: CallOptions = {}): Promise<T> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, options, resolve).on("error", reject);
  });
  const text = await readText(response, ANSWER_BYTES_MAX);
  if (response.statusCode === 200) return JSON.parse(text) as T;
  throw new Error(`${url.pathname} answered ${response.statusCode}: ${text.trim()}`);
}

/** POSTs JSON to a control. Rejects with what the other side said when it refused. */
export async function postJson(url: URL, body: object, options: CallOptions = {}): Promise<void> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    request(url, { ...options, method: "POST", headers }, resolve)
      .on("error", reject)
      .end(JSON.stringify(body));
  });
  const text = await readText(response, ANSWER_BYTES_MAX);
  if ((response.statusCode ?? 500) < 300) return;
  throw new Error(`${url.pathname} answered ${response.statusCode}: ${text.trim()}`);
}

/** The whole body as text. Throws a RangeError for more than `bytesMax` bytes. */
export async function readText(
  message: IncomingMessage,
  bytesMax: number = ANSWER_BYTES_MAX,
): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new RangeError(`body must be at most ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
