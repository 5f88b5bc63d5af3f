// Why there is no link, and what to do about it. A refused certificate is the fault that operators
// meet first and understand last: TLS says little, and the end that refuses says least.
import { type StatusObject, status } from "@grpc/grpc-js";
import { RuntimeError } from "../error.ts";

// By what OpenSSL, Node and grpc-js are known to say. What is not in here is told as it is.
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /certificate required/i,
    "the listener asks for a certificate: set tls.certificate and tls.key, signed by its ca",
  ],
  [
    /self-signed|unable to (get|verify)|unknown ca/i,
    "tls.ca must hold the authority that has signed the other end's certificate",
  ],
  [/altnames|ALTNAME/, "set tls.serverName to a name that the listener's certificate has"],
  [/expired|not yet valid/i, "renew the certificate, and hand it over with replaceCertificates"],
  [/wrong version number/i, "the listener does not speak TLS: give it the option tls"],
  [/UNIMPLEMENTED/, "another protocol has its port there: both ends must name the same service"],
];

const CLOSED_IN_TLS =
  "the listener closed the connection after the handshake: it does not believe this end's " +
  "certificate (tls.certificate must be signed by the listener's ca), its verifyPeer has refused " +
  "it, or it holds linksMax links";
const CLOSED_IN_CLEAR =
  "the listener closed the connection: it may want TLS (option tls), or it holds linksMax links";

/** The fault of a connection that did not become a link. */
export function connectFailed(
  address: string,
  refusal: StatusObject,
  hasTls: boolean,
): RuntimeError {
  const reason = reasonOf(refusal);
  const advice = adviceOn(reason, hasTls);
  const message = `connect to ${address}: ${reason}${advice === undefined ? "" : `; ${advice}`}`;
  return new RuntimeError("CONNECT_FAILED", message, refusal);
}

// What grpc-js wraps it in: "No connection established. Last error: … (time). Resolution note: ".
function reasonOf({ code, details }: StatusObject): string {
  const wrapped = /Last error: (.*?)\.? Resolution note:/s.exec(details)?.[1];
  if (wrapped === undefined) return `${status[code]}: ${details}`;
  return wrapped
    .replace(/\s*\(\d{4}-[^)]*\)$/, "")
    .replace(/\s+/g, " ")
    .replace(/[ :]+$/, "");
}

function adviceOn(reason: string, hasTls: boolean): string | undefined {
  const known = ADVICE.find(([pattern]) => pattern.test(reason))?.[1];
  if (known !== undefined) return known;
  if (!/Failed to connect|closed|ECONNRESET|socket hang up/.test(reason)) return undefined;
  return hasTls ? CLOSED_IN_TLS : CLOSED_IN_CLEAR;
}
