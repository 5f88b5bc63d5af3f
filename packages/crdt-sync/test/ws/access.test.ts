// Who may come in, and who may have what: asked with the request, before there is a socket.
import { connect } from "node:net";
import type { TLSSocket } from "node:tls";
import { AddWinsSet, Text } from "@compendium/crdt";
import { type SyncEvent, SyncNode } from "@compendium/crdt-sync";
import { WsTransport, type WsTransportOptions } from "@compendium/crdt-sync/ws";
import { expect, test } from "vitest";
import { Authority } from "../../../runtime/test/grpc/certificates.ts";
import { describeProvider, until } from "../providers/contract.ts";

const address = "127.0.0.1:0";
const group = new Authority("group");
const tls = { ...group.member("node"), requireClientCertificate: true };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const USERS: Readonly<Record<string, string>> = { "Bearer one": "ann", "Bearer two": "bob" };
const authorize: WsTransportOptions["authorize"] = async ({ headers }) =>
  USERS[headers.authorization ?? ""];

describeProvider("WebSocket with mutual TLS", () => ({
  transport: new WsTransport({ tls }),
  address,
}));

test("who shows no certificate, or a stranger's, does not come in; a name is taken from it", async () => {
  const names: string[] = [];
  const server = new WsTransport({
    tls,
    authorize: ({ socket }) => String((socket as TLSSocket).getPeerCertificate().subject.CN),
  });
  const listener = await server.listen(address, (link) => {
    names.push(link.peer);
    link.destroy();
  });
  const stranger = { ...new Authority("elsewhere").member("stranger"), ca: group.ca };
  for (const its of [{ ca: group.ca }, stranger]) {
    const client = new WsTransport({ tls: its });
    await expect(client.connect(listener.address)).rejects.toMatchObject({
      code: "CONNECT_FAILED",
    });
  }
  const link = await new WsTransport({ tls: group.member("ann") }).connect(listener.address);
  await link.closed;
  expect(names).toEqual(["ann"]);
  await listener.close();
});

test("without a token there is a typed refusal; one that is renewed is asked for at each attempt", async () => {
  const server = new WsTransport({ authorize });
  await using node = new SyncNode({ name: "hub" });
  const listener = await node.listen(server, address);
  await expect(new WsTransport().connect(listener.address)).rejects.toMatchObject({
    code: "SYNC_DENIED",
  });
  let attempts = 0;
  const headers = () => bearer(++attempts < 3 ? "expired" : "one");
  const events: SyncEvent[] = [];
  const onEvent = (event: SyncEvent): void => void events.push(event);
  await using other = new SyncNode({ name: "ann", retryMs: 2, retryMsMax: 5, onEvent });
  other.connect(new WsTransport({ headers }), listener.address);
  await until(() => node.stats().peers === 1);
  expect(attempts).toBe(3);
  expect(events).toMatchObject([
    { type: "linkEnded", error: { code: "SYNC_DENIED" } },
    { type: "linkEnded", error: { code: "SYNC_DENIED" } },
  ]);
  await listener.close();
});

test("asking for headers is given up in the turn in which it is aborted", async () => {
  const never = new WsTransport({ headers: () => new Promise(() => {}) });
  const abort = new AbortController();
  const connecting = never.connect("127.0.0.1:1", { signal: abort.signal });
  abort.abort(new Error("no longer"));
  await expect(connecting).rejects.toThrow("no longer");
});

test("a peer gets the documents that it may have, and of others nothing, not even a version", async () => {
  const mayOpen = (document: string, peer: string) => document.startsWith(`${peer}/`);
  await using hub = new SyncNode({ name: "hub", mayOpen });
  const listener = await hub.listen(new WsTransport({ authorize }), address);
  const secret = new Text("hub");
  secret.insert(0, "for bob");
  await hub.open("bob/notes", secret);
  const tags = new AddWinsSet<string>("hub");
  await hub.open("ann/tags", tags);
  tags.add("x");
  const events: SyncEvent[] = [];
  const onEvent = (event: SyncEvent): void => void events.push(event);
  await using ann = new SyncNode({ name: "ann", onEvent });
  const [stolen, own] = [new Text("ann"), new AddWinsSet<string>("ann")];
  await ann.open("bob/notes", stolen);
  await ann.open("ann/tags", own);
  stolen.insert(0, "by ann");
  ann.connect(new WsTransport({ headers: bearer("one") }), listener.address);
  await until(() => own.has("x") && events.some(({ type }) => type === "refused"));
  expect([stolen.toString(), secret.toString()]).toEqual(["by ann", "for bob"]);
  expect(events.filter(({ type }) => type === "refused" || type === "wanted")).toMatchObject([
    { type: "refused", document: "bob/notes", error: { code: "SYNC_DENIED" } },
  ]);
  await using bob = new SyncNode({ name: "bob" });
  const notes = new Text("bob");
  await bob.open("bob/notes", notes);
  bob.connect(new WsTransport({ headers: bearer("two") }), listener.address);
  await until(() => notes.toString() === "for bob");
  await listener.close();
});

test("beyond linksMax, and for what is no WebSocket, there is an answer and no link", async () => {
  const links: unknown[] = [];
  const server = new WsTransport({ linksMax: 1 });
  const listener = await server.listen(address, (link) => links.push(link));
  const first = await server.connect(listener.address);
  await expect(server.connect(listener.address)).rejects.toMatchObject({
    code: "CONNECT_FAILED",
  });
  const response = await fetch(`http://${listener.address}`);
  expect(response.status).toBe(426);
  const [host = "", port] = listener.address.split(":");
  const socket = connect(Number(port), host);
  socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n");
  await new Promise((resolve) => socket.once("close", resolve).resume());
  expect(links.length).toBe(1);
  first.destroy();
  await listener.close();
});
