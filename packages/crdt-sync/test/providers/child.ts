// A region as a process of its own: `node child.ts ws|grpc FOLDER`. It prints its address, and adds
// a line to the text every few milliseconds until it is killed.
import { Text } from "@compendium/crdt";
import { SyncNode } from "@compendium/crdt-sync";
import { GrpcTransport } from "@compendium/crdt-sync/grpc";
import { FileStore } from "@compendium/crdt-sync/store";
import { WsTransport } from "@compendium/crdt-sync/ws";
import { NodeFiles } from "@compendium/runtime/node";

const [kind, folder = ""] = process.argv.slice(2);
const transport = kind === "ws" ? new WsTransport() : new GrpcTransport();
const node = new SyncNode({ name: "child", store: new FileStore(new NodeFiles(folder)) });
const text = new Text("child");
await node.open("notes", text);
const listener = await node.listen(transport, "127.0.0.1:0");
console.log(listener.address);
let line = 0;
setInterval(() => text.insert(text.length, `${process.pid}:${line++}\n`), 3);
