// httpxy as its README has it; it keeps connections to upstream by itself.
import { createProxyServer } from "httpxy";
import { readArguments, serve } from "./listen.ts";

const args = readArguments();
const proxy = createProxyServer({ target: args.upstream });
proxy.on("error", (error) => {
  throw error;
});
serve(args, (request, response) => void proxy.web(request, response));
