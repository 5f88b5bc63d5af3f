// The few lines of HTTP that every service needs and node:http leaves out.
import { type Agent, get, type IncomingMessage, request, type ServerResponse } from "node:http";

const BODY_BYTES_MAX = 4_096;

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

/** The body as a JSON object; no body is an empty one. Throws a RangeError or TypeError otherwise. */
export async function readJson(message: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX)
      throw new RangeError(`body must be at most ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  if (bytes === 0) return {};
  const value: unknown = JSON.parse(Buffer.concat(chunks).toString());
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new TypeError("body must be a JSON object");
}

/** GETs JSON. Rejects when the answer is not 200. */
export function getJson<T>(url: URL, agent?: Agent): Promise<T> {
  return new Promise((resolve, reject) => {
    const call = get(url, agent === undefined ? {} : { agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode === 200) resolve(JSON.parse(Buffer.concat(chunks).toString()) as T);
        else reject(new Error(`${url.pathname} answered ${response.statusCode}`));
      });
    });
    call.on("error", reject);
  });
}

/** POSTs JSON to a control. Rejects with what the other side said when it refused. */
export function postJson(url: URL, body: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const call = request(url, { method: "POST", headers }, (response) => {
      response.setEncoding("utf8");
      let text = "";
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", reject);
      response.on("end", () => {
        if ((response.statusCode ?? 500) < 300) resolve();
        else reject(new Error(`${url.pathname} answered ${response.statusCode}: ${text.trim()}`));
      });
    });
    call.on("error", reject);
    call.end(JSON.stringify(body));
  });
}
