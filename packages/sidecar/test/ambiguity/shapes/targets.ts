// Whom a request is for: Host, the four forms of a target, and one path for everybody.
import { answered, forwarded, post, refused, type Shape, withLines } from "../shape.ts";

const get = (target: string, ...lines: readonly string[]): string =>
  [`GET ${target} HTTP/1.1`, ...lines, "", ""].join("\r\n");

const host = (name: string, ...lines: readonly string[]): Shape => ({
  name,
  section: "RFC 9112 §3.2",
  bytes: get("/", ...lines),
  expect: refused(400),
});

export const hosts: readonly Shape[] = [
  host("no Host"),
  host("an empty Host", "Host:"),
  host("two Hosts", "Host: a.example", "Host: b.example"),
  host("the same Host twice", "Host: a.example", "Host: a.example"),
  host("two Hosts in one line", "Host: a.example, b.example"),
  host("two Hosts with a comma", "Host: a.example,b.example"),
  host("a Host with a path", "Host: a.example/b"),
  host("a Host with userinfo", "Host: b.example@a.example"),
  host("a Host with a space", "Host: a.example b.example"),
  host("a Host whose port is no number", "Host: a.example:80b"),
  host("a Host that is percent-encoded", "Host: a%2eexample"),
  host("a Host in bytes beyond ASCII", "Host: \u00e4.example"),
  host("a second Host in a folded line", "Host: a.example", " Host: b.example"),
  host("a second Host with a space before its colon", "Host: a.example", "Host : b.example"),
  {
    name: "an address of IPv6 with a port",
    section: "RFC 3986 §3.2.2",
    bytes: get("/", "Host: [::1]:8080"),
    expect: forwarded({ host: "[::1]:8080" }),
  },
  {
    name: "HTTP/1.0 with a Host",
    section: "RFC 9112 §3.2",
    bytes: "GET / HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n",
    expect: forwarded({ host: "a.example" }),
  },
];

export const forms: readonly Shape[] = [
  {
    name: "absolute-form that agrees with Host",
    section: "RFC 9112 §3.2.2",
    bytes: get("http://a.example/b?c", "Host: A.example"),
    expect: forwarded({ target: "/b?c", host: "a.example" }),
  },
  {
    name: "absolute-form without a path",
    section: "RFC 9112 §3.2.2",
    bytes: get("http://a.example", "Host: a.example"),
    expect: forwarded({ target: "/", host: "a.example" }),
  },
  ...(
    [
      ["absolute-form against Host", "http://b.example/", "RFC 9112 §3.2.2"],
      ["absolute-form with userinfo", "http://me@a.example/", "RFC 9110 §4.2.4"],
      ["absolute-form without a host", "http:///b", "RFC 9110 §4.2.1"],
      ["absolute-form of another scheme", "ftp://a.example/", "RFC 9110 §4.2"],
      ["absolute-form by a backslash", "http:\\\\a.example/", "RFC 9112 §3.2"],
      ["authority-form for a GET", "a.example:80", "RFC 9112 §3.2.3"],
      ["asterisk-form for a GET", "*", "RFC 9112 §3.2.4"],
      ["a path without its slash", "b", "RFC 9112 §3.2.1"],
      ["a fragment", "/a#b", "RFC 9112 §3.2"],
      ["a backslash, which is a slash to some", "/a\\..\\b", "RFC 3986 §3.3"],
      ["a byte beyond ASCII in the path", "/\u00e4", "RFC 3986 §2"],
    ] as const
  ).map(
    ([name, target, section]): Shape => ({
      name,
      section,
      bytes: get(target, "Host: a.example"),
      expect: refused(400),
    }),
  ),
  ...(
    [
      ["a percent sign alone", "/a%", "RFC 3986 §2.1"],
      ["a percent sign before no hexadecimal digits", "/%zz", "RFC 3986 §2.1"],
      ["an encoded NUL", "/a%00b", "RFC 3986 §7.3"],
      ["an encoded slash", "/a%2fb", "RFC 3986 §2.2"],
      ["an encoded backslash", "/a%5Cb", "RFC 3986 §2.2"],
      ["an encoded slash and dots", "/a/..%2f..%2fadmin", "RFC 3986 §2.2"],
    ] as const
  ).map(
    ([name, target, section]): Shape => ({
      name,
      section,
      bytes: get(target, "Host: a.example"),
      expect: answered(400),
    }),
  ),
  {
    name: "OPTIONS of the server itself",
    section: "RFC 9112 §3.2.4",
    bytes: "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n",
    // It is sound, and no route leads there: routes match paths.
    expect: answered(404),
  },
  {
    name: "TRACE with content",
    section: "RFC 9110 §9.3.8",
    bytes: post(["Content-Length: 5"], "hello").replace("POST", "TRACE"),
    expect: refused(400),
  },
];

export const paths: readonly Shape[] = (
  [
    ["dot segments", "/a/../admin", "/admin"],
    ["dot segments beyond the root", "/../../admin", "/admin"],
    ["encoded dot segments", "/a/%2e%2e/admin", "/admin"],
    ["dots that are encoded by half", "/a/.%2E/admin", "/admin"],
    ["a dot segment at the end", "/a/b/..", "/a/"],
    ["letters that are encoded without need", "/%61dmin", "/admin"],
    ["hexadecimal digits in lower case", "/a%3ab", "/a%3Ab"],
    ["two slashes, which are an authority to some", "//evil.example/a", "/evil.example/a"],
    ["slashes that dots leave behind", "/a/..//admin", "/admin"],
    ["an encoded percent sign stays one", "/%2561dmin", "/%2561dmin"],
    ["the query stays as it is", "/a?b=/../%2e%2e//c%00", "/a?b=/../%2e%2e//c%00"],
  ] as const
).map(
  ([name, target, expected]): Shape => ({
    name,
    section: "RFC 3986 §6.2.2",
    bytes: get(target, "Host: a.example"),
    expect: forwarded({ target: expected }),
  }),
);

export const both: readonly Shape[] = [
  {
    name: "a sound request, then one that is not",
    section: "RFC 9112 §9.3.2",
    bytes: withLines() + get("/", "Host: a.example", "Host: b.example"),
    expect: refused(400, 1),
  },
];
