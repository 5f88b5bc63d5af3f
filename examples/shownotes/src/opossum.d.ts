// opossum ships no types. This is the part of it that stands in front of billing.
declare module "opossum" {
  import type { StockBreaker } from "@compendium/circuit-breaker/instrument";

  interface Options {
    name?: string;
    timeout?: number | false;
    errorThresholdPercentage?: number;
    volumeThreshold?: number;
    rollingCountTimeout?: number;
    resetTimeout?: number;
    enabled?: boolean;
    enableSnapshots?: boolean;
    errorFilter?: (error: unknown) => boolean;
  }

  interface CircuitBreaker extends StockBreaker {}

  class CircuitBreaker {
    constructor(action: (...args: never[]) => Promise<unknown>, options?: Options);
    fire(...args: unknown[]): Promise<unknown>;
    enable(): void;
    disable(): void;
    shutdown(): void;
  }

  export default CircuitBreaker;
}
