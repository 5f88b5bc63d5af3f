// How long a body is: Content-Length and Transfer-Encoding in every combination, and chunks.
import { forwarded, post, refused, type Shape, smuggled, withLines } from "../shape.ts";

const chunked = "Transfer-Encoding: chunked";
const empty = "0\r\n\r\n";

export const lengths: readonly Shape[] = [
  {
    name: "a length and its body",
    section: "RFC 9112 §6.2",
    bytes: post(["Content-Length: 5"], "hello"),
    expect: forwarded({ method: "POST", body: "hello" }),
  },
  {
    name: "a length with leading zeros, which is octal to some, is written anew",
    section: "RFC 9110 §8.6",
    bytes: post(["Content-Length: 0011"], "hello world"),
    expect: forwarded({ body: "hello world", fields: { "content-length": "11" } }),
  },
  {
    name: "a length of 0 and a request behind it",
    section: "RFC 9112 §9.3.2",
    bytes: post(["Content-Length: 0"], "GET /two HTTP/1.1\r\nHost: b.example\r\n\r\n"),
    expect: forwarded({ method: "POST", body: "" }, { target: "/two", host: "b.example" }),
  },
  {
    name: "a GET with a body keeps it",
    section: "RFC 9110 §9.3.1",
    bytes: `${withLines("Content-Length: 5")}hello`,
    expect: forwarded({ method: "GET", body: "hello" }),
  },
  {
    name: "two lengths that differ",
    section: "RFC 9112 §6.3",
    bytes: post(["Content-Length: 0", `Content-Length: ${smuggled.length}`], smuggled),
    expect: refused(400),
  },
  {
    name: "two lengths that are the same",
    section: "RFC 9110 §8.6",
    bytes: post(["Content-Length: 5", "Content-Length: 5"], "hello"),
    expect: refused(400),
  },
  {
    name: "a list of lengths",
    section: "RFC 9110 §8.6",
    bytes: post(["Content-Length: 5, 5"], "hello"),
    expect: refused(400),
  },
  ...["+5", "-5", "5.0", "0x5", "5 5", "", "５", "1e1", "99999999999999999999", "5;"].map(
    (value): Shape => ({
      name: `a length that is no number: ${JSON.stringify(value)}`,
      section: "RFC 9110 §8.6",
      bytes: post([`Content-Length: ${Buffer.from(value).toString("latin1")}`], "hello"),
      expect: refused(400),
    }),
  ),
  {
    name: "a length with a space before its colon",
    section: "RFC 9112 §5.1",
    bytes: post(["Content-Length : 5"], "hello"),
    expect: refused(400),
  },
  {
    name: "a length with an underscore, which CGI takes for a length",
    section: "RFC 3875 §4.1.18",
    bytes: post([`Content_Length: ${smuggled.length}`, "Content-Length: 0"], smuggled),
    expect: refused(400),
  },
];

export const codings: readonly Shape[] = [
  {
    name: "chunks",
    section: "RFC 9112 §7.1",
    bytes: post([chunked], `5\r\nhello\r\n6\r\n world\r\n${empty}`),
    expect: forwarded({ body: "hello world", without: ["content-length"] }),
  },
  {
    name: "CL.TE",
    section: "RFC 9112 §6.1",
    bytes: post([`Content-Length: ${empty.length + smuggled.length}`, chunked], empty + smuggled),
    expect: refused(400),
  },
  {
    name: "TE.CL",
    section: "RFC 9112 §6.1",
    bytes: post([chunked, "Content-Length: 4"], `5c\r\n${smuggled}`),
    expect: refused(400),
  },
  {
    name: "TE.CL with a length of 0",
    section: "RFC 9112 §6.1",
    bytes: post([chunked, "Content-Length: 0"], empty),
    expect: refused(400),
  },
  {
    name: "TE.TE: the second is obfuscated",
    section: "RFC 9112 §6.1",
    bytes: post([chunked, "Transfer-Encoding: identity"], empty),
    expect: refused(400),
  },
  {
    name: "chunked twice in two lines",
    section: "RFC 9112 §6.1",
    bytes: post([chunked, chunked], empty),
    expect: refused(400),
  },
  ...(
    [
      ["xchunked", 501],
      ["identity", 400],
      ["chunked, identity", 400],
      ["chunked, chunked", 400],
      ["identity, chunked", 400],
      ["gzip, chunked", 501],
      ["gzip", 501],
      ["", 400],
      ['"chunked"', 400],
      ["chunked;q=1", 400],
      ["chunked,", 400],
      [",chunked", 400],
      ["\u000bchunked", 400],
    ] as const
  ).map(
    ([value, status]): Shape => ({
      name: `a transfer coding other than chunked: ${JSON.stringify(value)}`,
      section: "RFC 9112 §6.1",
      bytes: post([`Transfer-Encoding: ${value}`], empty),
      expect: refused(status),
    }),
  ),
  {
    name: "CHUNKED behind a tab is chunked",
    section: "RFC 9112 §7",
    bytes: post(["Transfer-Encoding:\tCHUNKED"], `5\r\nhello\r\n${empty}`),
    expect: forwarded({ body: "hello" }),
  },
  {
    name: "a coding with a space before its colon",
    section: "RFC 9112 §5.1",
    bytes: post(["Transfer-Encoding : chunked", "Content-Length: 0"], empty),
    expect: refused(400),
  },
  {
    name: "a coding in a folded line",
    section: "RFC 9112 §5.2",
    bytes: post(["Transfer-Encoding:", " chunked"], empty),
    expect: refused(400),
  },
  {
    name: "a coding with an underscore",
    section: "RFC 3875 §4.1.18",
    bytes: post(["Transfer_Encoding: chunked", "Content-Length: 5"], empty),
    expect: refused(400),
  },
  {
    name: "a coding in HTTP/1.0",
    section: "RFC 9112 §6.1",
    bytes: `POST / HTTP/1.0\r\nHost: a.example\r\n${chunked}\r\n\r\n${empty}`,
    expect: refused(400),
  },
];

const chunk = (name: string, body: string, section = "RFC 9112 §7.1"): Shape => ({
  name,
  section,
  bytes: post([chunked], body),
  expect: refused(400),
});

export const chunks: readonly Shape[] = [
  {
    name: "a chunk extension is dropped",
    section: "RFC 9112 §7.1.1",
    bytes: post([chunked], `5;name=value;other="a;\\"b"\r\nhello\r\n0;last\r\n\r\n`),
    expect: forwarded({ body: "hello" }),
  },
  {
    name: "hexadecimal sizes in both cases, with zeros in front",
    section: "RFC 9112 §7.1",
    bytes: post([chunked], `00b\r\nhello world\r\nB\r\nhello again\r\n000\r\n\r\n`),
    expect: forwarded({ body: "hello worldhello again" }),
  },
  chunk("a chunk size with 0x", `0x5\r\nhello\r\n${empty}`),
  chunk("a chunk size with a sign", `+5\r\nhello\r\n${empty}`),
  chunk("a chunk size with a space behind it", `5 \r\nhello\r\n${empty}`),
  chunk("a chunk size with a space in front", ` 5\r\nhello\r\n${empty}`),
  chunk("a chunk size that is empty", `\r\nhello\r\n${empty}`),
  chunk("a chunk size beyond 32 bits", `100000005\r\nhello\r\n${empty}`),
  chunk("a chunk size of a line without end", `5${"0".repeat(2_000)}`),
  chunk("a chunk size that ends with LF alone", `5\nhello\r\n${empty}`),
  chunk("a chunk size that ends with CR alone", `5\rhello\r\n${empty}`),
  chunk("an LF in a chunk extension", `5;a\nb\r\nhello\r\n${empty}`, "RFC 9112 §7.1.1"),
  chunk("a chunk extension that ends with LF", `5;ab\nhello\r\n${empty}`, "RFC 9112 §7.1.1"),
  chunk("a CR in a chunk extension", `5;a\rb\r\nhello\r\n${empty}`, "RFC 9112 §7.1.1"),
  chunk("a NUL in a chunk extension", `5;a=\0\r\nhello\r\n${empty}`, "RFC 9112 §7.1.1"),
  chunk("a space before a chunk extension", `5 ;a\r\nhello\r\n${empty}`, "RFC 9112 §7.1.1"),
  chunk("a chunk longer than its size", `5\r\nhello!\r\n${empty}`),
  chunk("a chunk shorter than its size", `6\r\nhello\r\n${empty}`),
  chunk("a chunk that ends with LF alone", `5\r\nhello\n${empty}`),
  chunk("a last chunk that ends with LF alone", "5\r\nhello\r\n0\n\n"),
  {
    name: "trailers pass, and stay trailers",
    section: "RFC 9110 §6.5",
    bytes: post([chunked, "Trailer: X-Sum"], "5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n"),
    expect: forwarded({ body: "hello", without: ["x-sum"] }),
  },
  ...["Content-Length: 0", "Transfer-Encoding: chunked", "Host: b", "Authorization: me"].map(
    (line) =>
      chunk(`a trailer that came too late: ${line}`, `0\r\n${line}\r\n\r\n`, "RFC 9110 §6.5.1"),
  ),
  chunk("a trailer with a space before its colon", "0\r\nX-Sum : 1\r\n\r\n", "RFC 9112 §5.1"),
  chunk("a trailer with LF alone", "0\r\nX-Sum: 1\nX-Two: 2\r\n\r\n", "RFC 9112 §2.2"),
];
