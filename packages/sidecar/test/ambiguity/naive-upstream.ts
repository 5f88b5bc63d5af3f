// A server that takes everything, and the readers that such servers have in them. It keeps the
// bytes; a reader splits them into requests in its own careless way: by the first length or the
// last, by chunks or by length, at CR LF or at any LF, with "_" for "-". Where all readers find the
// same requests, the bytes have one meaning, whoever stands behind the proxy.
import { createServer, type Socket } from "node:net";
import { listenOn } from "../proxy/harness.ts";

export interface ReadRequest {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly body: string;
  readonly fields: ReadonlyMap<string, readonly string[]>;
}

export interface Reading {
  readonly requests: readonly ReadRequest[];
  /** What is left behind the last whole request. */
  readonly rest: string;
}

export interface Carelessness {
  readonly name: string;
  readonly takesLf: boolean;
  readonly prefers: "length" | "chunks";
  readonly takes: "first" | "last";
  readonly ignoresSpaceInNames: boolean;
  readonly takesUnderscores: boolean;
  readonly unfolds: boolean;
  readonly stopsAtNul: boolean;
}

const strict: Carelessness = {
  name: "by the book",
  takesLf: false,
  prefers: "chunks",
  takes: "first",
  ignoresSpaceInNames: false,
  takesUnderscores: false,
  unfolds: false,
  stopsAtNul: false,
};

export const readers: readonly Carelessness[] = [
  strict,
  { ...strict, name: "length before chunks", prefers: "length" },
  { ...strict, name: "the last of two", takes: "last" },
  { ...strict, name: "any LF", takesLf: true },
  { ...strict, name: "any LF, length before chunks", takesLf: true, prefers: "length" },
  { ...strict, name: "spaces in names", ignoresSpaceInNames: true },
  { ...strict, name: "underscores", takesUnderscores: true },
  { ...strict, name: "folded lines", unfolds: true },
  { ...strict, name: "written in C", stopsAtNul: true },
  {
    name: "everything at once",
    takesLf: true,
    prefers: "length",
    takes: "last",
    ignoresSpaceInNames: true,
    takesUnderscores: true,
    unfolds: true,
    stopsAtNul: true,
  },
];

/** Splits bytes into requests, carelessly. */
export function read(bytes: string, how: Carelessness): Reading {
  const requests: ReadRequest[] = [];
  let rest = bytes;
  for (;;) {
    const next = readOne(rest, how);
    if (next === undefined) return { requests, rest };
    requests.push(next.request);
    rest = rest.slice(next.length);
  }
}

function readOne(text: string, how: Carelessness) {
  const end = (how.takesLf ? /\r?\n\r?\n/ : /\r\n\r\n/).exec(text);
  if (end === null) return undefined;
  const bodyAt = end.index + end[0].length;
  let head = text.slice(0, end.index);
  if (how.unfolds) head = head.replaceAll(/\r?\n[ \t]+/g, " ");
  const [start = "", ...lines] = head.split(how.takesLf ? /\r?\n/ : "\r\n");
  const fields = readFields(lines, how);
  const one = (name: string): string | undefined =>
    fields.get(name)?.at(how.takes === "first" ? 0 : -1);
  const body = readBody(text.slice(bodyAt), one, how);
  if (body === undefined) return undefined;
  const [method = "", target = ""] = start.split(/\s+/);
  const request = { method, target, host: one("host") ?? "", body: body.text, fields };
  return { request, length: bodyAt + body.length };
}

function readFields(lines: readonly string[], how: Carelessness): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon === -1) continue;
    let name = line.slice(0, colon).toLowerCase();
    let value = line.slice(colon + 1).replaceAll(/^[ \t]+|[ \t]+$/g, "");
    if (how.ignoresSpaceInNames) name = name.replaceAll(/\s/g, "");
    if (how.takesUnderscores) name = name.replaceAll("_", "-");
    if (how.stopsAtNul) value = value.split("\0")[0] ?? "";
    fields.set(name, [...(fields.get(name) ?? []), value]);
  }
  return fields;
}

function readBody(
  text: string,
  one: (name: string) => string | undefined,
  how: Carelessness,
): { readonly text: string; readonly length: number } | undefined {
  const length = one("content-length");
  const isChunked = /chunked/i.test(one("transfer-encoding") ?? "");
  if (isChunked && (how.prefers === "chunks" || length === undefined)) return readChunks(text, how);
  const bytes = Number.parseInt(length ?? "0", 10) || 0;
  return text.length < bytes ? undefined : { text: text.slice(0, bytes), length: bytes };
}

function readChunks(text: string, how: Carelessness) {
  const lineEnd = how.takesLf ? /\r?\n/g : /\r\n/g;
  let body = "";
  let at = 0;
  for (;;) {
    lineEnd.lastIndex = at;
    const end = lineEnd.exec(text);
    if (end === null) return undefined;
    const size = Number.parseInt(text.slice(at, end.index), 16) || 0;
    at = end.index + end[0].length;
    if (size === 0) break;
    if (text.length < at + size) return undefined;
    body += text.slice(at, at + size);
    lineEnd.lastIndex = at + size;
    const close = lineEnd.exec(text);
    if (close === null) return undefined;
    at = close.index + close[0].length;
  }
  for (;;) {
    lineEnd.lastIndex = at;
    const end = lineEnd.exec(text);
    if (end === null) return undefined;
    const isEmpty = end.index === at;
    at = end.index + end[0].length;
    if (isEmpty) return { text: body, length: at };
  }
}

export interface NaiveUpstream extends AsyncDisposable {
  readonly port: number;
  /**
   * Connections that got something since this was asked last. One without a byte is none: it was
   * opened for a request that was given up, and waits for the next.
   */
  news(): readonly SeenConnection[];
}

export interface SeenConnection {
  bytes: string;
  isClosed: boolean;
}

/** Answers each request that the first reader finds, and keeps everything. */
export async function startNaiveUpstream(): Promise<NaiveUpstream> {
  const connections = new Set<SeenConnection>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const connection = { bytes: "", isClosed: false };
    let answered = 0;
    connections.add(connection);
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      connection.isClosed = true;
      sockets.delete(socket);
    });
    socket.on("data", (chunk) => {
      connection.bytes += chunk.toString("latin1");
      const { requests } = read(connection.bytes, strict);
      for (; answered < requests.length; answered++) {
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
      }
    });
  });
  const port = await listenOn(server);
  return {
    port,
    news: () => {
      const seen = [...connections].filter(({ bytes }) => bytes !== "");
      for (const connection of seen) connections.delete(connection);
      return seen;
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
