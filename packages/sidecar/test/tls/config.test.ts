// What a document says of TLS, as it is compiled.
import { expect, test } from "vitest";
import { compileText } from "../../src/config/compile.ts";
import { edgeDocument } from "../config/documents.ts";

const read = (text: string) => {
  const notes: string[] = [];
  const snapshot = compileText(text, ({ message }) => notes.push(message));
  return { chains: [...snapshot.listeners.values()].flatMap((it) => it.filterChains), notes };
};

test("the kind of a name is kept", () => {
  const kinds = read(edgeDocument).chains.flatMap(({ tls }) => tls?.allowedNames ?? []);
  expect(kinds.map(({ kind }) => kind)).toEqual(["uri"]);
});

test("a chain without a name is called by what it matches", () => {
  const names = read(edgeDocument).chains.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).not.toContain("");
});

test("a cluster without an authority to trust is taken, and a note says what that means", () => {
  const trusting = "validation_context: { trusted_ca: { filename: /etc/certs/ca.pem } }";
  const { notes } = read(edgeDocument.replace(trusting, "alpn_protocols: [h2]"));
  expect(notes).toContain("has no trusted_ca: the other side is not verified, and could be anyone");
  expect(read(edgeDocument).notes.join()).not.toContain("could be anyone");
});
