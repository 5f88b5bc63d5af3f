export { FileStore } from "./file-store.ts";
export type { Journal, Store } from "./store.ts";
