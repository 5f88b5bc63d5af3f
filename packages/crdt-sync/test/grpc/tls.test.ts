// Nodes over gRPC with mutual TLS: all that a provider does, for members only, whose certificates
// are renewed while they are in touch.
import { Text } from "@compendium/crdt";
import { SyncNode } from "@compendium/crdt-sync";
import { GrpcTransport } from "@compendium/crdt-sync/grpc";
import type { Link } from "@compendium/runtime";
import { expect, test } from "vitest";
import { Authority } from "../../../runtime/test/grpc/certificates.ts";
import { describeProvider, until } from "../providers/contract.ts";

const address = "127.0.0.1:0";
const group = new Authority("group");

describeProvider("gRPC with mutual TLS", () => ({
  transport: new GrpcTransport({ tls: group.member("node") }),
  address,
}));

async function nodeWith(name: string, text: Text) {
  const node = new SyncNode({ name, retryMs: 5, retryMsMax: 20 });
  return { node, notes: await node.open("notes", text) };
}

test("a node that another authority vouches for gets nothing, however often it knocks", async () => {
  await using ours = new GrpcTransport({ tls: group.member("ours") });
  const stranger = new Authority("elsewhere").member("stranger");
  await using theirs = new GrpcTransport({ tls: { ...stranger, ca: group.ca } });
  const [here, there] = [new Text("here"), new Text("there")];
  const { node, notes } = await nodeWith("here", here);
  const { node: other } = await nodeWith("there", there);
  const listener = await node.listen(ours, address);
  notes.change(() => here.insert(0, "for members"));
  other.connect(theirs, listener.address);
  await until(() => ours.stats().handshakesFailed >= 3);
  expect([there.length, node.stats().peers, ours.stats().links]).toEqual([0, 0, 0]);
  await other.close();
  await node.close();
});

test("certificates are replaced under nodes that are in touch, and they meet again with new", async () => {
  const renewed = new Authority("renewed");
  await using ours = new GrpcTransport({ tls: group.member("ours") });
  await using theirs = new GrpcTransport({ tls: group.member("theirs") });
  const [here, there] = [new Text("here"), new Text("there")];
  const { node, notes } = await nodeWith("here", here);
  const { node: other } = await nodeWith("there", there);
  const links: Link[] = [];
  const listener = await ours.listen(address, (link) => {
    links.push(link);
    void node.attach(link);
  });
  other.connect(theirs, listener.address);
  notes.change(() => here.insert(0, "one "));
  await until(() => there.toString() === "one ");
  ours.replaceCertificates(renewed.member("ours"));
  theirs.replaceCertificates(renewed.member("theirs"));
  // The link lives on, under what it was made with.
  notes.change(() => here.insert(4, "two "));
  await until(() => there.toString() === "one two ");
  expect(links).toHaveLength(1);
  links[0]?.destroy();
  notes.change(() => here.insert(8, "three"));
  await until(() => there.toString() === "one two three");
  expect(links).toHaveLength(2);
  await other.close();
  await node.close();
  await listener.close();
});
