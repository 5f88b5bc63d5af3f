// @fastify/http-proxy as its README has it. It calls upstream through undici, which keeps
// connections by itself.
import type { AddressInfo } from "node:net";
import proxy from "@fastify/http-proxy";
import fastify from "fastify";
import { readArguments, sayPort } from "./listen.ts";

const { upstream, tls } = readArguments();
const server = fastify({ https: tls ? { ...tls, minVersion: "TLSv1.3" } : null });
server.register(proxy, { upstream });
await server.listen({ port: 0, host: "127.0.0.1" });
sayPort((server.server.address() as AddressInfo).port);
