// What belongs to the connection, and limits.
import { forwarded, post, refused, type Shape, withLines } from "../shape.ts";

const nominated = (name: string): Shape => ({
  name: `Connection names ${name}`,
  section: "RFC 9110 §7.6.1",
  bytes: withLines(`Connection: close, ${name}`, "X-Forwarded-For: 10.0.0.1"),
  expect: refused(400),
});

export const connections: readonly Shape[] = [
  {
    name: "fields that Connection names are taken away",
    section: "RFC 9110 §7.6.1",
    bytes: withLines("Connection: x-mine, X-OTHER", "X-Mine: 1", "X-Other: 2", "X-Kept: 3"),
    expect: forwarded({
      fields: { "x-kept": "3" },
      without: ["x-mine", "x-other"],
    }),
  },
  {
    name: "two Connections count as one list",
    section: "RFC 9110 §5.3",
    bytes: withLines("Connection: x-mine", "Connection: X-OTHER", "X-Mine: 1", "X-Other: 2"),
    expect: forwarded({ without: ["x-mine", "x-other"] }),
  },
  {
    name: "fields of the connection that it does not name",
    section: "RFC 9110 §7.6.1",
    bytes: withLines(
      "Keep-Alive: timeout=5",
      "Proxy-Connection: keep-alive",
      "TE: gzip",
      "Proxy-Authorization: Basic YTpi",
    ),
    expect: forwarded({ without: ["keep-alive", "proxy-connection", "te", "proxy-authorization"] }),
  },
  ...["Host", "Content-Length", "Authorization", "Cookie", "X-Forwarded-For"].map(nominated),
  {
    name: "a request for h2c is not one",
    section: "RFC 9113 §3.1",
    bytes: withLines(
      "Connection: Upgrade, HTTP2-Settings",
      "Upgrade: h2c",
      "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
    ),
    expect: forwarded({ without: ["upgrade", "http2-settings"] }),
  },
  {
    name: "h2c that Connection does not name",
    section: "RFC 9110 §7.8",
    bytes: withLines("Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
    expect: forwarded({ without: ["upgrade", "http2-settings"] }),
  },
  {
    name: "an Upgrade with a body stays HTTP",
    section: "RFC 9110 §7.8",
    bytes: `${withLines("Connection: upgrade", "Upgrade: websocket", "Content-Length: 5")}hello`,
    expect: forwarded({ body: "hello", without: ["upgrade"] }),
  },
  {
    name: "an Upgrade to TLS, in HTTP/1.0, or to two things at once, stays HTTP",
    section: "RFC 9110 §7.8",
    bytes:
      withLines("Connection: upgrade", "Upgrade: TLS/1.0") +
      "GET / HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive, upgrade\r\n" +
      "Upgrade: websocket\r\n\r\n" +
      withLines("Connection: upgrade", "Upgrade: websocket, h2c"),
    expect: forwarded({ without: ["upgrade"] }, { without: ["upgrade"] }, { without: ["upgrade"] }),
  },
  {
    name: "an expectation that nobody knows",
    section: "RFC 9110 §10.1.1",
    bytes: withLines("Expect: 200-ok"),
    expect: refused(417),
  },
  {
    name: "an underscore that looks like a forwarding field",
    section: "RFC 3875 §4.1.18",
    bytes: withLines("X_Forwarded_For: 10.0.0.1"),
    expect: refused(400),
  },
  {
    name: "other underscores pass",
    section: "RFC 9110 §5.1",
    bytes: withLines("my_field: 1"),
    expect: forwarded({ fields: { my_field: "1" } }),
  },
];

export const limits: readonly Shape[] = [
  {
    name: "more fields than are taken",
    section: "RFC 6585 §5",
    bytes: withLines(...Array.from({ length: 200 }, (_, i) => `X-${i}: 1`)),
    expect: refused(431),
  },
  {
    name: "a field larger than is taken",
    section: "RFC 6585 §5",
    bytes: withLines(`X-A: ${"a".repeat(70_000)}`),
    expect: refused(431),
  },
  {
    name: "a head without end",
    section: "RFC 6585 §5",
    bytes: `GET / HTTP/1.1\r\nHost: a.example\r\n${"X-A: b\r\n".repeat(10_000)}`,
    expect: refused(431),
  },
  {
    name: "a target without end",
    section: "RFC 9110 §15.5.15",
    bytes: `GET /${"a".repeat(70_000)}`,
    expect: refused(414),
  },
  {
    name: "trailers without end",
    section: "RFC 9112 §7.1.2",
    bytes: post(
      ["Transfer-Encoding: chunked"],
      `0\r\n${Array.from({ length: 200 }, (_, i) => `X-${i}: 1\r\n`).join("")}\r\n`,
    ),
    expect: refused(431),
  },
];
