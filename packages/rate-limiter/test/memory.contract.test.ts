// The contract (contract.ts), kept by the limiter in memory.
import { ManualClock } from "@compendium/runtime";
import { RateLimiter } from "../src/index.ts";
import { describeLimiter, type Limiter } from "./contract.ts";

describeLimiter("RateLimiter", () => {
  const clock = new ManualClock();
  return {
    limiter: (rules): Limiter => new RateLimiter(rules, { clock }),
    takeTogether: (parts) =>
      RateLimiter.takeTogether(
        parts.map((part) => ({ ...part, limiter: part.limiter as RateLimiter })),
      ),
    advance: (ms) => clock.advance(ms),
  };
});
