// `npm start` begins here, in JavaScript, so that the compile cache is on before the first file of
// TypeScript is met: a warm start then strips no types at all, in half the time and memory.
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

enableCompileCache(fileURLToPath(new URL("node_modules/.cache/compile", import.meta.url)));
await import("./src/main.ts");
