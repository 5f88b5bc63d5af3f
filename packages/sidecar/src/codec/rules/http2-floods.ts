// What a client may do to an HTTP/2 connection before it is cut off. Every attack of this family is
// made of frames that are cheap to send and dear to take: requests that are reset before they are
// answered, in either direction (CVE-2023-44487 "rapid reset", CVE-2025-8671 "MadeYouReset"),
// frames without content (CVE-2019-9518), priorities (CVE-2019-9513), windows that grow byte by
// byte (CVE-2019-9511), SETTINGS and PING (CVE-2019-9512, -9515), header sections without an end
// (CVE-2024-27316). node:http2 and nghttp2 know bounds for some of them, by their own clock and
// without telling which one it was; these are counted before either sees a byte.
//
// The bounds, their defaults and the sums are Envoy's. Control frames are bounded by a rate
// instead: Envoy bounds the answers to them that wait, and so allows any number to whoever reads
// the answers. Pure: frames and the time in, a verdict out. State: a few numbers, and one for each
// open request.
import { END_STREAM, type FrameHead, frameTypes } from "./frame-scanner.ts";

/** Bounds of one connection. */
export interface FloodLimits {
  /** In a row, of DATA, HEADERS and CONTINUATION without END_STREAM. Default: 1. */
  readonly emptyFramesMax: number;
  /** For each stream, and as many before the first. Default: 100. */
  readonly priorityFramesPerStreamMax: number;
  /** Twice this for each frame of DATA that was sent, two for each stream, and 5. Default: 10. */
  readonly windowUpdatesPerDataFrameMax: number;
  /** The fewest streams that are judged; of those that ended half may be resets. Default: 500. */
  readonly prematureResetStreams: number;
  /** A stream that is reset without an answer before this age was premature. Default: 1,000. */
  readonly prematureResetMs: number;
  /** SETTINGS, PING and whatever else carries nothing; each frame that does carry something
   * allows another one. Default: 1,000. */
  readonly controlFramesPerSecondMax: number;
  /** Of one header section. nghttp2's own bound is the default. Default: 8. */
  readonly continuationsMax: number;
}

/** What {@link FloodLimits} are where nobody says otherwise. */
export const defaultFloodLimits: FloodLimits = {
  emptyFramesMax: 1,
  priorityFramesPerStreamMax: 100,
  windowUpdatesPerDataFrameMax: 10,
  prematureResetStreams: 500,
  prematureResetMs: 1_000,
  controlFramesPerSecondMax: 1_000,
  continuationsMax: 8,
};

// After a GOAWAY nghttp2 passes over new requests without a word: they would stay here.
const unansweredMax = 10_000;

/** Which bound was passed: the closed set that counters and logs show. */
export type FloodReason =
  | "empty-frames"
  | "priority-frames"
  | "window-updates"
  | "premature-resets"
  | "control-frames"
  | "continuations";

/** All of them. */
export const floodReasons: readonly FloodReason[] = [
  "empty-frames",
  "priority-frames",
  "window-updates",
  "premature-resets",
  "control-frames",
  "continuations",
];

/** Judges one connection's frames, in the order in which they pass. */
export class FloodGuard {
  readonly #limits: FloodLimits;
  #streams = 0;
  #lastStream = 0;
  #emptyFrames = 0;
  #continuations = 0;
  #priorityFrames = 0;
  #windowUpdates = 0;
  #dataFramesSent = 0;
  // Requests that nobody has answered, by stream, and when they came. Invariant: no more than
  // unansweredMax; what comes beyond is not judged.
  readonly #unanswered = new Map<number, number>();
  #ended = 0;
  #prematureResets = 0;
  // A bucket of control frames (it fills as time and content pass).
  #tokens: number;
  #tokensAtMs: number;

  constructor(limits: FloodLimits, nowMs: number) {
    this.#limits = limits;
    this.#tokens = limits.controlFramesPerSecondMax;
    this.#tokensAtMs = nowMs;
  }

  /** The newest request. */
  get lastStream(): number {
    return this.#lastStream;
  }

  /** A frame of the client's; which bound it has passed, if any. */
  onReceived(head: FrameHead, nowMs: number): FloodReason | undefined {
    switch (head.type) {
      case frameTypes.headers:
        this.#continuations = 0;
        this.#onOpened(head.stream, nowMs);
        return this.#countEmpty(head);
      case frameTypes.continuation:
        if (++this.#continuations > this.#limits.continuationsMax) return "continuations";
        return this.#countEmpty(head);
      case frameTypes.data:
        this.#earn();
        return this.#countEmpty(head);
      case frameTypes.priority:
        this.#priorityFrames++;
        return this.#judgePriorities();
      case frameTypes.windowUpdate:
        this.#windowUpdates++;
        return this.#judgeWindows();
      case frameTypes.rstStream:
        return this.#onReset(head.stream, nowMs) ?? this.#spend(nowMs);
      default:
        return this.#spend(nowMs);
    }
  }

  /** A frame of ours; which bound the client has passed by provoking it, if any. */
  onSent({ type, stream }: FrameHead, nowMs: number): FloodReason | undefined {
    switch (type) {
      case frameTypes.data:
        this.#dataFramesSent++;
        this.#earn();
        return undefined;
      case frameTypes.headers:
        if (this.#unanswered.delete(stream)) this.#ended++;
        return undefined;
      case frameTypes.rstStream:
        return this.#onReset(stream, nowMs);
      default:
        return undefined;
    }
  }

  // Trailers come on a stream that is known.
  #onOpened(stream: number, nowMs: number): void {
    this.#earn();
    if (stream <= this.#lastStream) return;
    this.#lastStream = stream;
    this.#streams++;
    if (this.#unanswered.size < unansweredMax) this.#unanswered.set(stream, nowMs);
  }

  #countEmpty({ length, flags }: FrameHead): FloodReason | undefined {
    const isEmpty = length === 0 && (flags & END_STREAM) === 0;
    this.#emptyFrames = isEmpty ? this.#emptyFrames + 1 : 0;
    return this.#emptyFrames > this.#limits.emptyFramesMax ? "empty-frames" : undefined;
  }

  #judgePriorities(): FloodReason | undefined {
    const max = this.#limits.priorityFramesPerStreamMax * (1 + this.#streams);
    return this.#priorityFrames > max ? "priority-frames" : undefined;
  }

  #judgeWindows(): FloodReason | undefined {
    const { windowUpdatesPerDataFrameMax } = this.#limits;
    const max = 5 + 2 * (this.#streams + windowUpdatesPerDataFrameMax * this.#dataFramesSent);
    return this.#windowUpdates > max ? "window-updates" : undefined;
  }

  // Whoever resets, and however it came about: work was begun for nothing, and the place among the
  // concurrent streams is free again.
  #onReset(stream: number, nowMs: number): FloodReason | undefined {
    const beganAtMs = this.#unanswered.get(stream);
    if (beganAtMs === undefined) return undefined;
    this.#unanswered.delete(stream);
    this.#ended++;
    const { prematureResetMs, prematureResetStreams } = this.#limits;
    if (nowMs - beganAtMs > prematureResetMs) return undefined;
    this.#prematureResets++;
    const isMost = this.#prematureResets * 2 >= Math.max(prematureResetStreams, this.#ended);
    return isMost ? "premature-resets" : undefined;
  }

  #spend(nowMs: number): FloodReason | undefined {
    const { controlFramesPerSecondMax } = this.#limits;
    const earned = ((nowMs - this.#tokensAtMs) / 1_000) * controlFramesPerSecondMax;
    this.#tokens = Math.min(this.#tokens + earned, controlFramesPerSecondMax);
    this.#tokensAtMs = nowMs;
    return --this.#tokens < 0 ? "control-frames" : undefined;
  }

  // A client that measures the delay sends a PING for much of the data that it gets (gRPC's BDP
  // estimation), on a fast network thousands in a second.
  #earn(): void {
    this.#tokens = Math.min(this.#tokens + 1, this.#limits.controlFramesPerSecondMax);
  }
}
