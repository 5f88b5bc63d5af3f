// The filter for a configuration, of every kind there is.
import type { Clock, Random } from "@compendium/runtime";
import type { HttpFilterConfig } from "../config/filter-config.ts";
import { AdaptiveConcurrencyFilter } from "./adaptive-concurrency.ts";
import { BufferFilter } from "./buffer.ts";
import { CompressorFilter } from "./compressor.ts";
import { CorsFilter } from "./cors.ts";
import { FaultFilter } from "./fault.ts";
import type { HttpFilter } from "./http-filter.ts";
import { LocalRateLimitFilter } from "./local-rate-limit.ts";
import { AuthorizationFilter } from "./rbac.ts";

/** What filters ask of the world. */
export interface FilterSurroundings {
  readonly clock: Clock;
  readonly random: Random;
  /** What part of a limit this process has. Above 0, up to 1; default 1: all of it. */
  readonly share?: number;
}

/** Makes the filter that a configuration describes. */
export function makeFilter(config: HttpFilterConfig, surroundings: FilterSurroundings): HttpFilter {
  const { clock, random, share = 1 } = surroundings;
  switch (config.kind) {
    case "rbac":
      return new AuthorizationFilter(config);
    case "local-ratelimit":
      return new LocalRateLimitFilter({ config, clock, random, share });
    case "fault":
      return new FaultFilter({ config, clock, random });
    case "cors":
      return new CorsFilter(config);
    case "buffer":
      return new BufferFilter(config);
    case "compressor":
      return new CompressorFilter(config);
    case "adaptive-concurrency":
      return new AdaptiveConcurrencyFilter({ config, clock, share });
  }
}
