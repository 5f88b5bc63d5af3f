export { type Clock, checkTimer, systemClock } from "./clock.ts";
export { crc32c } from "./crc32c.ts";
export { RuntimeError, type RuntimeErrorCode } from "./error.ts";
export {
  checkBytes,
  checkFolder,
  checkPath,
  type Files,
  type OpenFile,
  type OpenOptions,
  type SyncPlace,
} from "./files.ts";
export { Inbox, type InboxOptions } from "./inbox.ts";
export { ManualClock, type ManualClockOptions } from "./manual-clock.ts";
export { chance, pick, type Random, shuffle, systemRandom, uniformBelow } from "./random.ts";
export { SeededRandom, type SeededRandomState } from "./seeded-random.ts";
export { type SleepOptions, sleep } from "./sleep.ts";
export type { ConnectOptions, Link, Listener, Sent, Transport } from "./transport.ts";
