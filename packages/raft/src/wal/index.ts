export { WalError, type WalErrorCode } from "./errors.ts";
export type { WalOptions } from "./options.ts";
export type { Recovered } from "./recovery.ts";
export { type WalStats, WriteAheadLog } from "./write-ahead-log.ts";
