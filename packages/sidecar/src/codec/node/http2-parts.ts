// What both sides of HTTP/2 share: field sections as node:http2 takes them, and resets as codes
// (RFC 9113 §7) and back.
import { constants, type OutgoingHttpHeaders } from "node:http2";
import type { CodecLimits, ResetReason } from "../codec.ts";

/** What one stream may have sent before its reader asks for more. */
export const windowBytes: number = 256 * 1024;

/** Of all streams of a connection together. */
export const connectionWindowBytes: number = 1024 * 1024;

/**
 * What node:http2 bounds by itself, said and not left to its defaults: memory and pairs of fields;
 * frames that are invalid, streams beyond those that are allowed, resets (by its own clock),
 * answers to PING and SETTINGS that wait, entries of one SETTINGS.
 */
export function sessionBounds({ headersMax, headersBytesMax }: CodecLimits): object {
  return {
    maxHeaderListPairs: headersMax * 2,
    maxSessionMemory: 64,
    maxSessionInvalidFrames: 1_000,
    maxSessionRejectedStreams: 100,
    streamResetBurst: 1_000,
    streamResetRate: 33,
    maxOutstandingPings: 10,
    maxOutstandingSettings: 10,
    maxSettings: 32,
    // nghttp2's default is 64 KiB; what came in must be able to go out.
    maxSendHeaderBlockLength: Math.max(65_536, headersBytesMax * 2),
  };
}

/** Adds fields to pseudo-fields; repetitions become lists, which are sent one by one. */
export function withFields(
  headers: OutgoingHttpHeaders,
  flat: readonly string[],
): OutgoingHttpHeaders {
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    // Every object has a "constructor": only what is its own is a field.
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (Array.isArray(before)) before.push(flat[i + 1]!);
    else {
      const value = before === undefined ? flat[i + 1]! : [String(before), flat[i + 1]!];
      if (name === "__proto__") defineField(headers, name, value);
      else headers[name] = value;
    }
  }
  return headers;
}

// The one name that cannot be set without changing what the object is.
function defineField(headers: object, name: string, value: string | string[]): void {
  const how = { enumerable: true, configurable: true, writable: true };
  Object.defineProperty(headers, name, { value, ...how });
}

const {
  NGHTTP2_CANCEL,
  NGHTTP2_ENHANCE_YOUR_CALM,
  NGHTTP2_INTERNAL_ERROR,
  NGHTTP2_NO_ERROR,
  NGHTTP2_PROTOCOL_ERROR,
  NGHTTP2_REFUSED_STREAM,
} = constants;

const codes: Readonly<Record<ResetReason, number>> = {
  cancelled: NGHTTP2_CANCEL,
  local: NGHTTP2_CANCEL,
  refused: NGHTTP2_REFUSED_STREAM,
  "protocol-error": NGHTTP2_PROTOCOL_ERROR,
  overload: NGHTTP2_ENHANCE_YOUR_CALM,
  "connection-failure": NGHTTP2_INTERNAL_ERROR,
  "connection-termination": NGHTTP2_INTERNAL_ERROR,
};

/** The code that tells the other side. */
export const codeOf = (reason: ResetReason): number => codes[reason];

/** What the other side's code means here; `lost` when there was none. */
export function reasonOf(code: number | undefined, lost: ResetReason): ResetReason {
  switch (code) {
    case undefined:
    case NGHTTP2_NO_ERROR:
      return lost;
    case NGHTTP2_REFUSED_STREAM:
      return "refused";
    case NGHTTP2_PROTOCOL_ERROR:
      return "protocol-error";
    case NGHTTP2_ENHANCE_YOUR_CALM:
      return "overload";
    default:
      return "cancelled";
  }
}
