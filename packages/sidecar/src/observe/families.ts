// The numbers of a proxy as metrics. Labels are names of the configuration and closed sets of
// words; nothing that a client sends becomes one, and no host's address. Families are made for one
// configuration, whose names are their labels: another one makes others. They read plain numbers
// when they are asked, and cost nothing in between.
import { clusterFamilies } from "./cluster-families.ts";
import { familyOf, headOf } from "./family-list.ts";
import { listenerFamilies } from "./listener-families.ts";
import type { MeasurablePlane } from "./measurable.ts";
import type { SidecarFamily } from "./readings.ts";

// A source has at most 10,000 series of a family (packages/metrics), and a listener has as many as
// there are flags.
const NAMES_MAX = 256;

/** All families of a proxy, for the configuration that is in force. */
export function familiesOf(plane: MeasurablePlane): SidecarFamily[] {
  return [
    ...chunked(plane.listeners()).flatMap(listenerFamilies),
    ...chunked(plane.clusters()).flatMap(clusterFamilies),
    ...processFamilies(plane),
  ];
}

function processFamilies(plane: MeasurablePlane): SidecarFamily[] {
  return [
    familyOf(
      [
        "counter",
        "requests_refused_total",
        "Messages that never became a request, by the rule that they broke.",
        "http.refused.{rule}",
      ],
      () => plane.refusals(),
      "rule",
    ),
    familyOf(
      ["counter", "codec_events_total", "What the codec has cut off.", "http.codec.{event}"],
      () => plane.codecEvents(),
      "event",
    ),
    familyOf(
      [
        "counter",
        "certificate_changes_total",
        "New contents of certificate files, taken and refused.",
        "ssl.certificates_{outcome}",
      ],
      () => plane.certificateChanges(),
      "outcome",
    ),
    ...certificateFamilies(plane),
    familyOf(
      [
        "counter",
        "access_log_lines_total",
        "Lines of access logs, written and lost.",
        "access_logs.lines_{outcome}",
      ],
      () => plane.accessLogLines(),
      "outcome",
    ),
    familyOf(
      [
        "counter",
        "configurations_total",
        "Configurations, taken and refused.",
        "listener_manager.lds.update_{outcome}",
      ],
      () => plane.configurations(),
      "outcome",
    ),
    familyOf(
      [
        "gauge",
        "configuration_digest",
        "32 bits of the digest of the configuration in force.",
        "listener_manager.lds.version",
      ],
      () => Number.parseInt(plane.version().slice(0, 8), 16) || 0,
    ),
    familyOf(
      ["gauge", "live", "1 where requests are welcome: warm, and not draining.", "server.live"],
      () => Number(plane.isLive()),
    ),
  ];
}

// Files are the configuration's; without any there is nothing to show.
function certificateFamilies(plane: MeasurablePlane): SidecarFamily[] {
  const first = plane.certificates();
  const files = [...first.keys()];
  if (files.length === 0) return [];
  const rows = [
    [
      "expires_timestamp_seconds",
      "When the first certificate of a file runs out.",
      "expiration_unix_time_seconds",
    ],
    ["lifetime_seconds", "For how long it was made out.", "lifetime_seconds"],
  ] as const;
  return rows.map(([name, help, envoy], i) => ({
    ...headOf(["gauge", `certificate_${name}`, help, `ssl.certificate.{file}.${envoy}`]),
    labels: { file: files },
    collect: (emit) => {
      const now = plane.certificates();
      for (const file of files) {
        const { expiresSeconds, lifetimeSeconds } = (now.get(file) ?? first.get(file))!;
        emit(i === 0 ? expiresSeconds : lifetimeSeconds, { file });
      }
    },
  }));
}

function chunked<T>(all: readonly T[]): (readonly T[])[] {
  const chunks: (readonly T[])[] = [];
  for (let i = 0; i < all.length; i += NAMES_MAX) chunks.push(all.slice(i, i + NAMES_MAX));
  return chunks;
}
