// From single calls to a measurement. One response time says little: where service times are
// exponential, it is off by its own size. So calls are gathered until their mean is worth acting
// on, and a window ends when all of these hold:
//
//  - by count: it has at least `samplesMin` calls;
//  - by time:  it has lasted one round trip, or it would see a change of the limit half done;
//  - by precision: it has CV²/precision² calls, so that the standard error of its mean is
//  `precision`
//    of the mean. A steady server is judged by 20 calls, a noisy one by hundreds.
//
// `samplesMax`, `windowMsMax` and sixteen round trips end the patience. CV, the coefficient of
// variation, is averaged over the windows before: a window that could stop once its *own* calls
// look alike would stop early whenever it has missed the slow ones, and think the server fast.
//
// Netflix's WindowedLimit ends windows by count and time alone. Calls that were dropped are counted
// but not averaged: a timeout says how long the client waited, a refusal how fast it was refused.
// (Averaged, constant timeouts look like a steady server: Netflix issue 137. Fast refusals look
// like a quick one: issue 176.)
import { checkBetween, checkWhole, type LimitSample } from "./limit.ts";

/** When a sample window ends; see the header of sample-window.ts. */
export interface WindowOptions {
  /** Calls that a window has at least. A whole number from 1; default 20. */
  samplesMin?: number;
  /** Calls that are always enough. A whole number from `samplesMin`; default 1,000. */
  samplesMax?: number;
  /** A window that has lasted longer ends with what it has, in ms. Above 0; default 10,000. */
  windowMsMax?: number;
  /** The standard error to reach, as a share of the mean. Above 0, below 1; default 0.06. */
  precision?: number;
}

/** What a window measured. */
export interface WindowResult {
  /** Mean of the calls that were answered; NaN when they were fewer than half of `samplesMin`. */
  rttMs: number;
  /** Mean of the calls in flight. */
  inFlight: number;
  /** Share of the calls that were dropped. */
  dropShare: number;
  /** When it ended. */
  nowMs: number;
}

// However few the calls, a window that has seen this many round trips is acted on.
const ROUND_TRIPS_MAX = 16;
// Until windows have been seen, response times are taken to be exponential.
const CV2_AT_FIRST = 1;
const CV2_GAIN = 0.2;

/** Gathers samples into windows. O(1) per sample, in a handful of numbers. */
export class SampleWindow {
  readonly #samplesMin: number;
  readonly #samplesMax: number;
  readonly #windowMsMax: number;
  readonly #precision: number;
  #sinceMs = Number.NEGATIVE_INFINITY;
  #answered = 0;
  #dropped = 0;
  #rttSum = 0;
  #rttSquares = 0;
  #inFlightSum = 0;
  #cv2 = CV2_AT_FIRST;
  #factor = 1;

  constructor(options: WindowOptions = {}) {
    const { samplesMin = 20, windowMsMax = 10_000, precision = 0.06 } = options;
    const { samplesMax = Math.max(1000, samplesMin) } = options;
    checkWhole("window.samplesMin", samplesMin, 1, Number.MAX_SAFE_INTEGER);
    checkWhole("window.samplesMax", samplesMax, samplesMin, Number.MAX_SAFE_INTEGER);
    checkBetween("window.windowMsMax", windowMsMax, 0, Infinity);
    checkBetween("window.precision", precision, 0, 1);
    this.#samplesMin = samplesMin;
    this.#samplesMax = samplesMax;
    this.#windowMsMax = windowMsMax;
    this.#precision = precision;
  }

  /** Takes in a call. Returns what was measured if this one ends the window. */
  add({ rttMs, inFlight, dropped, nowMs }: LimitSample): WindowResult | undefined {
    if (nowMs < this.#sinceMs) return undefined;
    if (this.#answered + this.#dropped === 0) this.#sinceMs = nowMs;
    if (dropped) this.#dropped++;
    else {
      this.#answered++;
      this.#rttSum += rttMs;
      this.#rttSquares += rttMs * rttMs;
    }
    this.#inFlightSum += inFlight;
    if (this.#answered + this.#dropped < this.#samplesMin) return undefined;
    return this.#mayEnd(rttMs, nowMs);
  }

  /**
   * Begins anew; calls that end before `atMs` tell of the time before, and are let go by. A factor
   * above 1 asks for less precision, and has less patience.
   */
  restart(atMs: number, precisionFactor = 1): void {
    this.#sinceMs = atMs;
    this.#factor = precisionFactor;
    this.#answered = 0;
    this.#dropped = 0;
    this.#rttSum = 0;
    this.#rttSquares = 0;
    this.#inFlightSum = 0;
  }

  #mayEnd(lastRttMs: number, nowMs: number): WindowResult | undefined {
    const samples = this.#answered + this.#dropped;
    const rttMs = this.#rttSum / this.#answered;
    const roundTripMs = this.#answered > 0 ? rttMs : lastRttMs;
    const lastedMs = nowMs - this.#sinceMs;
    if (lastedMs < roundTripMs) return undefined;
    const patienceMs = Math.max(
      roundTripMs,
      Math.min(this.#windowMsMax, (ROUND_TRIPS_MAX / this.#factor ** 2) * roundTripMs),
    );
    const enough = this.#cv2 / (this.#precision * this.#factor) ** 2;
    if (samples < Math.min(enough, this.#samplesMax) && lastedMs < patienceMs) return undefined;
    if (this.#answered > 1 && rttMs > 0) {
      const cv2 = this.#rttSquares / this.#answered / (rttMs * rttMs) - 1;
      this.#cv2 += CV2_GAIN * (cv2 - this.#cv2);
    }
    const inFlight = this.#inFlightSum / samples;
    const dropShare = this.#dropped / samples;
    // One answer among nineteen losses is no mean.
    const known = this.#answered >= this.#samplesMin / 2;
    this.restart(nowMs);
    return { rttMs: known ? rttMs : Number.NaN, inFlight, dropShare, nowMs };
  }
}
