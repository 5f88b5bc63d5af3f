export { Fields } from "./codec/fields.ts";
