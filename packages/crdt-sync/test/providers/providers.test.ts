import { GrpcTransport } from "@compendium/crdt-sync/grpc";
import { MemoryNetwork } from "@compendium/crdt-sync/memory";
import { WsTransport } from "@compendium/crdt-sync/ws";
import { describeProvider } from "./contract.ts";

const address = "127.0.0.1:0";
describeProvider("memory", () => ({ transport: new MemoryNetwork(), address: "eu" }));
describeProvider("WebSocket", () => ({ transport: new WsTransport(), address }));
describeProvider("gRPC", () => ({ transport: new GrpcTransport(), address }));
