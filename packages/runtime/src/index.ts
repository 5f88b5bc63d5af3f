export { type Clock, checkTimer, systemClock } from "./clock.ts";
export { ManualClock, type ManualClockOptions } from "./manual-clock.ts";
export { chance, pick, type Random, shuffle, systemRandom, uniformBelow } from "./random.ts";
export { SeededRandom, type SeededRandomState } from "./seeded-random.ts";
export { type SleepOptions, sleep } from "./sleep.ts";
