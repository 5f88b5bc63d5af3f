// What outlier detection knows of one host. The detector (outlier-detector.ts) holds one for each.
//
// A host has two origins of trouble. Its answers are external: the server said 503. What happened
// on the way to it is of local origin: nobody listened, the connection broke, time ran out.
// Together they are one series of codes; split, each has a series and a success rate of its own.
import type { Host } from "../cluster/host.ts";
import { RateWindow } from "./success-rate.ts";

/** Numbers of one host. */
export class HostMonitor {
  readonly host: Host;

  // Each runs until it reaches its threshold, or something else happens.
  consecutive5xx = 0;
  consecutiveGatewayFailure = 0;
  consecutiveLocalOriginFailure = 0;

  readonly external: RateWindow = new RateWindow();
  readonly local: RateWindow = new RateWindow();

  /** How often it was ejected. */
  ejections = 0;
  /** By which the base time is multiplied: rises with every ejection, sinks in quiet intervals. */
  backoff = 0;
  jitterMs = 0;
  ejectedAtMs = 0;
  /** `undefined` until it has come back once. */
  returnedAtMs: number | undefined = undefined;

  constructor(host: Host) {
    this.host = host;
  }

  /** A host that comes back starts afresh: one failure more must not eject it again. */
  forgetFailures(): void {
    this.consecutive5xx = 0;
    this.consecutiveGatewayFailure = 0;
    this.consecutiveLocalOriginFailure = 0;
  }
}
