// Who is let in, and what is said to those who are not.
import type { PeerCertificate } from "node:tls";
import * as subject from "@compendium/runtime/grpc";
import { type GrpcTlsOptions, GrpcTransport } from "@compendium/runtime/grpc";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { Authority } from "./certificates.ts";
import { all, LOCAL, refusalOf, World } from "./world.ts";

let world: World;

beforeEach(() => {
  world = new World(subject);
  onTestFinished(() => world[Symbol.asyncDispose]());
});

/** What becomes of a message from one to the other, or why there is no link. */
async function outcome(client: GrpcTlsOptions | undefined, server: GrpcTlsOptions | undefined) {
  const b = world.transport(server && { tls: server });
  const a = world.transport(client && { tls: client });
  return await exchange(a, b);
}

async function exchange(a: GrpcTransport, b: GrpcTransport, host?: string): Promise<string> {
  const { address, accepted } = await world.listening(b);
  try {
    const near = await a.connect(host === undefined ? address : address.replace("127.0.0.1", host));
    near.send(Uint8Array.of(1));
    const closing = near.close();
    const received = await all(await accepted);
    await closing;
    return `received ${received.length}`;
  } catch (error) {
    expect(error).toMatchObject({ name: "RuntimeError", code: "CONNECT_FAILED" });
    return (error as Error).message;
  }
}

test("members of one authority let each other in; by address, and by name", async () => {
  const ca = new Authority("group");
  const [a, b] = [ca.member("a"), ca.member("b")];
  expect(await outcome(a, b)).toBe("received 1");
  expect(await outcome({ ...a, serverName: "localhost" }, b)).toBe("received 1");
  const bytes = { ...a, ca: new TextEncoder().encode(a.ca) };
  expect(await outcome(bytes, b)).toBe("received 1");
});

test("an address is never sent as the name that is asked for", async () => {
  const warnings: string[] = [];
  const onWarning = (warning: Error) => warnings.push(warning.message);
  process.on("warning", onWarning);
  onTestFinished(() => void process.off("warning", onWarning));
  const ca = new Authority("group");
  await outcome(ca.member("a"), ca.member("b"));
  await new Promise((resolve) => setImmediate(resolve));
  expect(warnings).toEqual([]);
});

test("a client without a certificate is refused, and told to have one", async () => {
  const ca = new Authority("group");
  const refusal = await outcome({ ca: ca.ca }, ca.member("b"));
  expect(refusal).toMatch(/set tls\.certificate and tls\.key, signed by its ca/);
});

test("a client of another authority is refused, and told that it may be its certificate", async () => {
  const [ours, theirs] = [new Authority("ours"), new Authority("theirs")];
  const stranger = { ...theirs.member("a"), ca: ours.ca };
  const refusal = await outcome(stranger, ours.member("b"));
  expect(refusal).toMatch(/tls\.certificate must be signed by the listener's ca/);
});

test("a listener of another authority is refused, and tls.ca is named", async () => {
  const [ours, theirs] = [new Authority("ours"), new Authority("theirs")];
  const refusal = await outcome(ours.member("a"), { ...theirs.member("b"), ca: ours.ca });
  expect(refusal).toMatch(/tls\.ca must hold the authority/);
});

test("a listener under another name is refused, and tls.serverName is named", async () => {
  const ca = new Authority("group");
  expect(await outcome(ca.member("a"), ca.member("b", ["elsewhere"]))).toMatch(/tls\.serverName/);
  const named = { ...ca.member("a"), serverName: "elsewhere" };
  expect(await outcome(named, ca.member("b", ["elsewhere"]))).toBe("received 1");
});

test("verifyPeer has the last word on both ends", async () => {
  const ca = new Authority("group");
  const seen: unknown[] = [];
  const only = (name: string) => (certificate: PeerCertificate) => {
    seen.push(certificate.subject.CN);
    return certificate.subject.CN === name;
  };
  const [a, b] = [ca.member("a"), ca.member("b")];
  const both = [{ ...a, verifyPeer: only("b") } as const, { ...b, verifyPeer: only("a") }] as const;
  expect(await outcome(...both)).toBe("received 1");
  expect(seen.toSorted()).toEqual(["a", "b"]);
  expect(await outcome({ ...a, verifyPeer: only("c") }, b)).toMatch(/verifyPeer refused/);
  expect(await outcome(a, { ...b, verifyPeer: only("c") })).toMatch(
    /its verifyPeer has refused it/,
  );
});

test("requireClientCertificate: false lets in who shows none", async () => {
  const ca = new Authority("group");
  const open = { ...ca.member("b"), requireClientCertificate: false };
  expect(await outcome({ ca: ca.ca }, open)).toBe("received 1");
});

test("an end with TLS and one without tell each other apart", async () => {
  const ca = new Authority("group");
  expect(await outcome(undefined, ca.member("b"))).toMatch(/it may want TLS/);
  expect(await outcome(ca.member("a"), undefined)).toMatch(/does not speak TLS/);
});

test("certificates are replaced while links are open: new ones see the new, old ones live on", async () => {
  const [old, young] = [new Authority("old"), new Authority("young")];
  const a = world.transport({ tls: old.member("a") });
  const b = world.transport({ tls: old.member("b") });
  const { address, accepted } = await world.listening(b);
  const near = await a.connect(address);
  b.replaceCertificates(young.member("b"));
  const refusal = await refusalOf(a.connect(address));
  expect(String(refusal)).toMatch(/tls\.ca must hold the authority/);
  a.replaceCertificates(young.member("a"));
  await a.connect(address);
  near.send(Uint8Array.of(1));
  near.close();
  expect(await all(await accepted)).toEqual([Uint8Array.of(1)]);
});

test("certificates that are none change nothing", async () => {
  const ca = new Authority("group");
  const a = world.transport({ tls: ca.member("a") });
  const b = world.transport({ tls: ca.member("b") });
  for (const transport of [a, b]) {
    const wrong = { ...ca.member("x"), key: ca.member("y").key };
    expect(() => transport.replaceCertificates(wrong)).toThrow(/key/);
    expect(() => transport.replaceCertificates({ ca: "" })).toThrow(TypeError);
  }
  expect(await exchange(a, b)).toBe("received 1");
  expect(await exchange(a, b, "localhost")).toBe("received 1");
});

test("what is missing is said when it is asked for", async () => {
  const ca = new Authority("group");
  const { certificate, key } = ca.member("a");
  const needsBoth = (tls: GrpcTlsOptions) => () => new GrpcTransport({ tls });
  expect(needsBoth({ ca: ca.ca, certificate })).toThrow(/tls\.key must be PEM/);
  expect(needsBoth({ ca: ca.ca, key })).toThrow(/tls\.certificate must be PEM/);
  expect(needsBoth({ certificate, key } as never)).toThrow(/tls\.ca must be PEM/);
  await expect(new GrpcTransport({ tls: { ca: ca.ca } }).listen(LOCAL, () => {})).rejects.toThrow(
    /in order to listen/,
  );
  expect(() => new GrpcTransport().replaceCertificates({ ca: ca.ca })).toThrow(/without tls/);
});
