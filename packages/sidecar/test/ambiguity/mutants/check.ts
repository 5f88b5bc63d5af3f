// The shapes against the rules alone, without a socket: what must be refused is, in whatever pieces
// it comes, and what is passed on says what it must.
import path from "node:path";
import { expect } from "vitest";
import type { RequestHead } from "../../../src/codec/codec.ts";
import { type Expected, type Shape, withLines } from "../shape.ts";
import { connections, limits } from "../shapes/connection.ts";
import { chunks, codings, lengths } from "../shapes/framing.ts";
import { endings, requestLines, values } from "../shapes/lines.ts";
import { forms, hosts } from "../shapes/targets.ts";

type Scanner = typeof import("../../../src/codec/rules/request-scanner.ts");

const shapes: readonly Shape[] = [
  lengths,
  codings,
  chunks,
  endings,
  requestLines,
  values,
  hosts,
  forms,
  connections,
  limits,
].flat();

const rules = {
  headersBytesMax: 61_440,
  headersMax: 100,
  upgrades: new Set(["websocket"]),
  scheme: "http",
};

/** Throws where a copy of the sources does what it must not. */
export async function checkShapes(source: string): Promise<void> {
  const file = path.join(source, "codec/rules/request-scanner.ts");
  const { RequestScanner }: Scanner = await import(/* @vite-ignore */ file);
  for (const shape of shapes) {
    const length = shape.bytes.length + canaryOf(shape).length;
    check(RequestScanner, shape, [length]);
    for (let at = 1; at < Math.min(length, 300); at++) check(RequestScanner, shape, [at, length]);
  }
}

function check(
  RequestScanner: Scanner["RequestScanner"],
  shape: Shape,
  ends: readonly number[],
): void {
  const scanner = new RequestScanner(rules);
  const bytes = Buffer.from(shape.bytes + canaryOf(shape), "latin1");
  const seen: Shown[] = [];
  let refused: string | undefined;
  let from = 0;
  for (const end of ends) {
    const piece = bytes.subarray(from, end);
    for (let at = 0; at < piece.length && refused === undefined; ) {
      const step = scanner.scan(piece, at);
      if (step.kind === "more") break;
      if (step.kind === "refused") refused = step.reason;
      else {
        if (step.kind === "head") seen.push(shown(step.head.head));
        at = step.end;
      }
    }
    from = end;
  }
  judge(shape, seen, refused, scanner.isBetween);
}

/** What follows a sound request must be read as what it is. */
const canaryOf = ({ expect: { kind } }: Shape): string => (kind === "forwarded" ? withLines() : "");

interface Shown extends Expected {
  readonly upgrade: string | undefined;
}

function shown(head: RequestHead): Shown {
  const fields = Object.fromEntries(
    head.fields.flat.flatMap((text, i, all) => {
      return i % 2 === 0 ? [[text, all[i + 1] ?? ""]] : [];
    }),
  );
  const { method, path: target, authority: host, upgrade } = head;
  return { method, target, host, fields, upgrade };
}

function judge(
  shape: Shape,
  seen: readonly Shown[],
  refused: string | undefined,
  isAtEnd: boolean,
): void {
  const { expect: wanted, name } = shape;
  if (wanted.kind === "refused") {
    if (!wanted.staysOpen) expect(refused, name).toBeDefined();
    return;
  }
  expect(refused, name).toBeUndefined();
  expect(isAtEnd, name).toBe(true);
  expect(seen.length, name).toBe(wanted.requests.length + 1);
  expect(seen.at(-1), name).toMatchObject({ method: "GET", target: "/", host: "a.example" });
  for (const [i, { fields = {}, without = [], ...plain }] of wanted.requests.entries()) {
    const { body: _, ...start } = plain;
    expect(seen[i], name).toMatchObject({ ...start, fields, upgrade: undefined });
    for (const field of without) expect(seen[i]?.fields, name).not.toHaveProperty(field);
  }
}
