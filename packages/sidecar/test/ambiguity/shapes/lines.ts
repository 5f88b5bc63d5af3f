// Where a line ends, what may stand in it, and how a request begins.
import { forwarded, refused, type Shape, smuggled, withLines } from "../shape.ts";

const shape = (name: string, section: string, bytes: string, status = 400): Shape => ({
  name,
  section,
  bytes,
  expect: refused(status),
});

export const endings: readonly Shape[] = [
  shape("every line ends with LF", "RFC 9112 §2.2", "GET / HTTP/1.1\nHost: a.example\n\n"),
  shape(
    "the request line ends with LF",
    "RFC 9112 §2.2",
    "GET / HTTP/1.1\nHost: a.example\r\n\r\n",
  ),
  shape(
    "a field ends with LF, and nothing else is wrong",
    "RFC 9112 §2.2",
    withLines("X-A: b\nX-C: d"),
  ),
  shape(
    "a field ends with LF, and hides a coding",
    "RFC 9112 §2.2",
    withLines("X-A: b\nTransfer-Encoding: chunked", "Content-Length: 0"),
  ),
  shape(
    "the empty line ends with LF",
    "RFC 9112 §2.2",
    `GET / HTTP/1.1\r\nHost: a\r\n\n${smuggled}`,
  ),
  shape(
    "a head within the value of a field, by LF LF",
    "RFC 9112 §2.2",
    withLines(`X-A: b\n\n${smuggled.trim()}`),
  ),
  shape("a CR in a value", "RFC 9112 §2.2", withLines("X-A: b\rc")),
  shape("a CR before the name", "RFC 9112 §2.2", withLines("\rX-A: b")),
  shape("a CR in the request line", "RFC 9112 §2.2", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n"),
  shape("CR CR LF", "RFC 9112 §2.2", withLines("X-A: b\r")),
  shape("an LF before the request", "RFC 9112 §2.2", `\n${withLines()}`),
  shape("two empty lines before the request", "RFC 9112 §2.2", `\r\n\r\n${withLines()}`),
  {
    name: "one empty line before the request is forgiven",
    section: "RFC 9112 §2.2",
    bytes: `\r\n${withLines()}`,
    expect: forwarded({ method: "GET", target: "/" }),
  },
  {
    name: "an empty line between two requests, too",
    section: "RFC 9112 §2.2",
    bytes: `${withLines()}\r\n${withLines()}`,
    expect: forwarded({ method: "GET" }, { method: "GET" }),
  },
];

export const values: readonly Shape[] = [
  shape("a NUL in a value", "RFC 9110 §5.5", withLines("X-A: b\0c")),
  shape("a NUL in a name", "RFC 9112 §5.1", withLines("X-\0A: b")),
  shape("a NUL in the target", "RFC 9112 §3", "GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n"),
  shape("a control character in a value", "RFC 9110 §5.5", withLines("X-A: b\u0001c")),
  shape("a DEL in a value", "RFC 9110 §5.5", withLines("X-A: b\u007fc")),
  shape("a value in two lines", "RFC 9112 §5.2", withLines("X-A: b", " c")),
  shape("a value in two lines by a tab", "RFC 9112 §5.2", withLines("X-A: b", "\tc: d")),
  shape(
    "whitespace before the first field",
    "RFC 9112 §2.2",
    "GET / HTTP/1.1\r\n Host: a.example\r\nHost: b.example\r\n\r\n",
  ),
  shape("a field without a colon", "RFC 9112 §5", withLines("X-A")),
  shape("a field without a name", "RFC 9112 §5.1", withLines(": b")),
  shape("a space in a name", "RFC 9112 §5.1", withLines("X A: b")),
  shape("a space before the colon", "RFC 9112 §5.1", withLines("X-A : b")),
  shape("a tab before the colon", "RFC 9112 §5.1", withLines("X-A\t: b")),
  shape("a name with a byte beyond ASCII", "RFC 9112 §5.1", withLines("X-\u00e4: b")),
  {
    name: "whitespace around a value is nobody's",
    section: "RFC 9112 §5.1",
    bytes: withLines("X-A:\t b \t"),
    expect: forwarded({ fields: { "x-a": "b" } }),
  },
  {
    name: "bytes beyond ASCII in a value stay what they are",
    section: "RFC 9110 §5.5",
    bytes: withLines("X-A: \u00e4\u00ff"),
    expect: forwarded({ fields: { "x-a": "\u00e4\u00ff" } }),
  },
  {
    name: "an empty value",
    section: "RFC 9110 §5.5",
    bytes: withLines("X-A:"),
    expect: forwarded({ fields: { "x-a": "" } }),
  },
];

const line = (name: string, text: string, status = 400, section = "RFC 9112 §3"): Shape =>
  shape(name, section, `${text}\r\nHost: a.example\r\n\r\n`, status);

export const requestLines: readonly Shape[] = [
  line("two spaces behind the method", "GET  / HTTP/1.1"),
  line("two spaces before the version", "GET /  HTTP/1.1"),
  line("a tab in place of a space", "GET\t/\tHTTP/1.1"),
  line("a space before the method", " GET / HTTP/1.1"),
  line("a space behind the version", "GET / HTTP/1.1 "),
  line("a space in the target", "GET /a b HTTP/1.1"),
  line("another request line in the target", "GET /a HTTP/1.1 GET /b HTTP/1.1"),
  line("no version: HTTP/0.9", "GET /", 400, "RFC 9112 §2.3"),
  line("HTTP/0.9 by its name", "GET / HTTP/0.9", 505, "RFC 9112 §2.3"),
  line("HTTP/1.2", "GET / HTTP/1.2", 505, "RFC 9112 §2.3"),
  line("HTTP/2.0 without its preface", "GET / HTTP/2.0", 505, "RFC 9112 §2.3"),
  line("HTTP/1.10", "GET / HTTP/1.10", 400, "RFC 9112 §2.3"),
  line("http/1.1 in lower case", "GET / http/1.1", 400, "RFC 9112 §2.3"),
  line("a method in lower case", "get / HTTP/1.1", 501, "RFC 9110 §9.1"),
  line("a method that is no token", "GE{T / HTTP/1.1", 501, "RFC 9110 §9.1"),
  line("CONNECT", "CONNECT a.example:443 HTTP/1.1", 405, "RFC 9110 §9.3.6"),
  line(
    "the preface of HTTP/2 in the middle of a connection",
    "PRI * HTTP/2.0",
    505,
    "RFC 9113 §3.4",
  ),
];
