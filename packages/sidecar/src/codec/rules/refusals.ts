// Why a message never became a stream: one row for each rule, with the section that it comes from
// and the status that tells the client. The keys are the reasons that counters and logs show, so
// the set is closed.
//
// The rules are stricter than a server's need be. A server may read a doubtful message in its own
// way (RFC 9112 §2.2, §6.3: "ought to be handled as an error"); a proxy may not, because whoever
// stands behind it may read it in another, and the difference is a smuggled request.

/** Why a request was refused. */
export type RefusalReason =
  | "line-ending"
  | "request-line"
  | "version"
  | "obs-fold"
  | "field-name"
  | "field-value"
  | "field-alias"
  | "method"
  | "connect"
  | "upgrade"
  | "target"
  | "target-form"
  | "host"
  | "host-mismatch"
  | "scheme"
  | "content-length"
  | "length-and-coding"
  | "transfer-encoding"
  | "transfer-coding"
  | "coding-in-1.0"
  | "chunk"
  | "chunk-overhead"
  | "trailer"
  | "trace-body"
  | "connection"
  | "expect"
  | "pseudo-field"
  | "h2-field"
  | "h2-connection-field"
  | "h2-length"
  | "fields-too-many"
  | "head-too-large"
  | "target-too-long"
  | "head-too-slow"
  | "disagreement";

/** What a refusal rests on. */
export interface Rule {
  readonly status: number;
  readonly section: string;
  readonly text: string;
}

const rule = (status: number, section: string, text: string): Rule => ({ status, section, text });

/** Every reason for refusing a request, and what it rests on. */
export const refusals: Readonly<Record<RefusalReason, Rule>> = {
  // The shape of lines.
  "line-ending": rule(400, "RFC 9112 §2.2", "a line does not end with CR LF, or CR or LF is in it"),
  "request-line": rule(400, "RFC 9112 §3", "the request line is not METHOD SP target SP version"),
  version: rule(505, "RFC 9112 §2.3", "the version is neither HTTP/1.0 nor HTTP/1.1"),
  "obs-fold": rule(400, "RFC 9112 §5.2", "a field goes on in a second line"),
  "field-name": rule(400, "RFC 9112 §5.1", "a field's name is not a token right before its colon"),
  "field-value": rule(400, "RFC 9110 §5.5", "a field's value has a control character in it"),
  "field-alias": rule(
    400,
    "RFC 9110 §5.1",
    "an underscore makes a field look like one that frames or routes",
  ),
  // The method and the target.
  method: rule(501, "RFC 9110 §9.1", "the method is not one that is passed on"),
  connect: rule(405, "RFC 9110 §9.3.6", "CONNECT is not passed on"),
  upgrade: rule(501, "RFC 9220 §3", "extended CONNECT to a protocol that is not passed on"),
  target: rule(400, "RFC 9112 §3.2", "the target has none of the four forms"),
  "target-form": rule(400, "RFC 9112 §3.2.4", "the form of the target does not suit the method"),
  host: rule(400, "RFC 9112 §3.2", "Host is missing, repeated, or no host"),
  "host-mismatch": rule(400, "RFC 9112 §3.2.2", "the target names another host than Host"),
  scheme: rule(400, "RFC 9110 §4.2", "the scheme is neither http nor https"),
  // How long the body is.
  "content-length": rule(400, "RFC 9110 §8.6", "Content-Length is not one decimal number"),
  "length-and-coding": rule(
    400,
    "RFC 9112 §6.1",
    "Content-Length and Transfer-Encoding are both there",
  ),
  "transfer-encoding": rule(400, "RFC 9112 §6.3", "Transfer-Encoding does not end with chunked"),
  "transfer-coding": rule(501, "RFC 9112 §6.1", "a transfer coding other than chunked"),
  "coding-in-1.0": rule(400, "RFC 9112 §6.1", "Transfer-Encoding in HTTP/1.0"),
  chunk: rule(400, "RFC 9112 §7.1", "a chunk is not a size, CR LF, so many bytes and CR LF"),
  "chunk-overhead": rule(400, "RFC 9112 §7.1.1", "the chunks are mostly extensions"),
  trailer: rule(400, "RFC 9110 §6.5.1", "a trailer that frames, routes or authenticates"),
  "trace-body": rule(400, "RFC 9110 §9.3.8", "TRACE with content"),
  // What belongs to the connection.
  connection: rule(400, "RFC 9110 §7.6.1", "Connection names a field that is not of a connection"),
  expect: rule(417, "RFC 9110 §10.1.1", "an expectation other than 100-continue"),
  // HTTP/2.
  "pseudo-field": rule(400, "RFC 9113 §8.3", "a pseudo-field missing, repeated, late or unknown"),
  "h2-field": rule(400, "RFC 9113 §8.2", "a field that HTTP/2 does not allow"),
  "h2-connection-field": rule(400, "RFC 9113 §8.2.2", "a field of HTTP/1.1's connections"),
  "h2-length": rule(400, "RFC 9113 §8.1.1", "Content-Length is not what the frames add up to"),
  // Limits.
  "fields-too-many": rule(431, "RFC 6585 §5", "more fields than are taken"),
  "head-too-large": rule(431, "RFC 6585 §5", "a head larger than is taken"),
  "target-too-long": rule(414, "RFC 9110 §15.5.15", "a target longer than is taken"),
  "head-too-slow": rule(408, "RFC 9110 §15.5.9", "the head did not come in time"),
  // What is left: two readers of the same bytes do not agree.
  disagreement: rule(400, "RFC 9112 §2.2", "not a message of HTTP/1.1"),
};

/** A refusal is a value where heads are read: a string among objects. */
export const isRefusal = <T extends object>(
  outcome: T | RefusalReason | undefined,
): outcome is RefusalReason => typeof outcome === "string";

const phrases: Readonly<Record<number, string>> = {
  400: "Bad Request",
  405: "Method Not Allowed",
  408: "Request Timeout",
  414: "URI Too Long",
  417: "Expectation Failed",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
  505: "HTTP Version Not Supported",
};

/** The whole answer in HTTP/1.1: after it the connection is closed, for nobody knows where the next
 * request begins. */
export function refusalMessage(reason: RefusalReason): string {
  const { status, section, text } = refusals[reason];
  const body = `${text} (${section})\n`;
  const allow = status === 405 ? "allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n" : "";
  return (
    `HTTP/1.1 ${status} ${phrases[status]}\r\n${allow}content-type: text/plain\r\n` +
    `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`
  );
}
