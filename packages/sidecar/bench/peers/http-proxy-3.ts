// http-proxy-3 as its README has it, with an agent that keeps connections to upstream: without one
// it opens a connection for each request.
import { Agent } from "node:http";
import { createProxyServer } from "http-proxy-3";
import { readArguments, serve } from "./listen.ts";

const args = readArguments();
const agent = new Agent({ keepAlive: true, maxSockets: 1_024 });
const proxy = createProxyServer({ target: args.upstream, agent });
proxy.on("error", (error) => {
  throw error;
});
serve(args, (request, response) => proxy.web(request, response));
