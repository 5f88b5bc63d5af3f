// What listeners have to show: connections, requests, and what their filters count.
import { handshakeFailures } from "../tls/handshakes.ts";
import { FamilyList, headOf } from "./family-list.ts";
import type { MeasurableListener } from "./measurable.ts";
import { flagNames, statusClasses } from "./meter.ts";
import type { SidecarFamily } from "./readings.ts";

const listener = "listener.{listener}.";
const http = "http.{listener}.";

/** Families of these listeners, which have names of their own. */
export function listenerFamilies(listeners: readonly MeasurableListener[]): SidecarFamily[] {
  const list = new FamilyList("listener", listeners);
  addConnections(list, listeners);
  addRequests(list);
  return [...list.families, ...listeners.flatMap(filterFamilies)];
}

function addConnections(
  list: FamilyList<MeasurableListener>,
  listeners: readonly MeasurableListener[],
): void {
  list.add(
    ["gauge", "connections", "Connections that are open.", `${listener}downstream_cx_active`],
    (it) => it.connections().active,
  );
  list.add(
    ["counter", "connections_total", "Connections taken.", `${listener}downstream_cx_total`],
    (it) => it.connections().accepted,
  );
  list.addBy(
    [
      "counter",
      "connections_refused_total",
      "Connections that came to nothing, by the reason.",
      `${listener}downstream_cx_{reason}`,
    ],
    "reason",
    Object.keys(listeners[0]?.connections().refused ?? {}),
    (it) => it.connections().refused,
  );
  list.add(
    [
      "counter",
      "handshakes_total",
      "Handshakes of TLS that succeeded.",
      `${listener}ssl.handshake`,
    ],
    (it) => it.handshakes().completed,
  );
  list.addBy(
    [
      "counter",
      "handshakes_failed_total",
      "Handshakes that came to nothing, by the reason.",
      `${listener}ssl.fail.{reason}`,
    ],
    "reason",
    handshakeFailures,
    (it) => it.handshakes().failed,
  );
}

function addRequests(list: FamilyList<MeasurableListener>): void {
  list.add(
    ["gauge", "requests_active", "Requests under way.", `${http}downstream_rq_active`],
    (it) => it.activeRequests(),
  );
  list.addBy(
    [
      "counter",
      "requests_total",
      "Requests that have ended, by the class of the status.",
      `${http}downstream_rq_{class}`,
    ],
    "class",
    statusClasses,
    (it) => it.traffic().requests,
  );
  list.add(
    ["histogram", "request_seconds", "From the head to the end.", `${http}downstream_rq_time`],
    (it) => it.traffic().seconds,
  );
  list.addBy(
    [
      "counter",
      "requests_flagged_total",
      "Requests that did not go as they should, by Envoy's response flag.",
      `${http}downstream_rq_flag.{flag}`,
    ],
    "flag",
    flagNames,
    (it) => it.traffic().flags,
  );
  list.addBy(
    [
      "counter",
      "body_bytes_total",
      "Bytes of bodies, received from clients and sent to them.",
      `${http}downstream_rq_body_bytes_{direction}`,
    ],
    "direction",
    ["received", "sent"],
    (it) => {
      const { bytesReceived: received, bytesSent: sent } = it.traffic();
      return { received, sent };
    },
  );
}

// A source of its own for each listener: their filters differ, and so do the filters' words.
function filterFamilies(of: MeasurableListener): SidecarFamily[] {
  return of.filters().flatMap(({ name: filter, numbers }) => {
    const words = Object.keys(numbers());
    if (words.length === 0) return [];
    const family: SidecarFamily = {
      ...headOf([
        "gauge",
        "filter_number",
        "What a filter shows, in its own words: what it has counted, and how many there are now.",
        `${http}{filter}.{number}`,
      ]),
      labels: { listener: [of.name], filter: [filter], number: words },
      collect: (emit) => {
        const now = numbers();
        for (const number of words) {
          emit(now[number] ?? 0, { listener: of.name, filter, number });
        }
      },
    };
    return [family];
  });
}
