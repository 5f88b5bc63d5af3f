// HTTP/2 has frames, so that lengths are certain; what it carries may still not fit a request line,
// or say two things about one.
type Field = readonly [name: string, value: string];

export interface Http2Shape {
  readonly name: string;
  readonly section: string;
  readonly fields: readonly Field[];
  /** DATA frames; the last one ends the stream. None: the head does. */
  readonly data?: readonly string[];
  readonly trailers?: readonly Field[];
  /**
   * A status; a reset of the stream or the connection; or a reset for which a codec that cannot see
   * the field may drop it.
   */
  readonly expect:
    | number
    | "reset"
    | "dropped"
    | { readonly target: string; readonly host: string };
}

const sound: readonly Field[] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":authority", "a.example"],
  [":path", "/"],
];

/** The sound request with one pseudo-field changed, or left out. */
const changed = (name: string, value?: string): readonly Field[] =>
  sound.flatMap((field): Field[] => {
    if (field[0] !== name) return [field];
    return value === undefined ? [] : [[name, value]];
  });

const post = changed(":method", "POST");

const reset = (name: string, section: string, fields: readonly Field[]): Http2Shape => ({
  name,
  section,
  fields,
  expect: "reset",
});

const dropped = (name: string, section: string, fields: readonly Field[]): Http2Shape => ({
  name,
  section,
  fields,
  expect: "dropped",
});

const answered = (
  name: string,
  section: string,
  fields: readonly Field[],
  status = 400,
): Http2Shape => ({ name, section, fields, expect: status });

const fine = { target: "/", host: "a.example" } as const;

export const http2Shapes: readonly Http2Shape[] = [
  { name: "a sound request", section: "RFC 9113 §8.3.1", fields: sound, expect: fine },
  reset("no :method", "RFC 9113 §8.3.1", changed(":method")),
  reset("no :scheme", "RFC 9113 §8.3.1", changed(":scheme")),
  reset("no :path", "RFC 9113 §8.3.1", changed(":path")),
  reset("an empty :path", "RFC 9113 §8.3.1", changed(":path", "")),
  reset("two :path", "RFC 9113 §8.3", [...sound, [":path", "/two"]]),
  reset("two :authority", "RFC 9113 §8.3", [...sound, [":authority", "b.example"]]),
  reset("two :method", "RFC 9113 §8.3", [...sound, [":method", "POST"]]),
  reset("a pseudo-field that nobody knows", "RFC 9113 §8.3", [...sound, [":what", "1"]]),
  reset("a pseudo-field of responses", "RFC 9113 §8.3", [...sound, [":status", "200"]]),
  reset("a pseudo-field behind a field", "RFC 9113 §8.3", [
    ...changed(":path"),
    ["x-a", "b"],
    [":path", "/"],
  ]),
  answered(":authority against Host", "RFC 9113 §8.3.1", [...sound, ["host", "b.example"]]),
  {
    name: ":authority and the same Host",
    section: "RFC 9113 §8.3.1",
    fields: [...sound, ["host", "A.example"]],
    expect: fine,
  },
  {
    name: "Host alone",
    section: "RFC 9113 §8.3.1",
    fields: [...changed(":authority"), ["host", "a.example"]],
    expect: fine,
  },
  reset("neither :authority nor Host", "RFC 9113 §8.3.1", changed(":authority")),
  answered("two Hosts", "RFC 9110 §7.2", [...sound, ["host", "a.example"], ["host", "a.example"]]),
  answered(":authority with userinfo", "RFC 9113 §8.3.1", changed(":authority", "me@a.example")),
  answered(":authority with a space", "RFC 9113 §8.3.1", changed(":authority", "a.example b")),
  answered("a space in :path", "RFC 9113 §8.3.1", changed(":path", "/ HTTP/1.1")),
  answered(":path without its slash", "RFC 9113 §8.3.1", changed(":path", "b")),
  answered("a fragment in :path", "RFC 9113 §8.3.1", changed(":path", "/a#b")),
  answered("an absolute :path", "RFC 9113 §8.3.1", changed(":path", "http://b.example/")),
  answered(":path of OPTIONS for a GET", "RFC 9113 §8.3.1", changed(":path", "*")),
  answered("a :scheme that is not served", "RFC 9110 §4.2", changed(":scheme", "ftp")),
  answered("a :method in lower case", "RFC 9110 §9.1", changed(":method", "get"), 501),
  answered("a :method with a space", "RFC 9110 §9.1", changed(":method", "GET /a HTTP/1.1"), 501),
  answered(
    "CONNECT",
    "RFC 9113 §8.5",
    [
      [":method", "CONNECT"],
      [":authority", "a.example:443"],
    ],
    405,
  ),
  {
    name: "dot segments",
    section: "RFC 3986 §6.2.2",
    fields: changed(":path", "/a/%2e%2e/admin"),
    expect: { target: "/admin", host: "a.example" },
  },
  reset("CR LF in :path", "RFC 9113 §10.3", changed(":path", "/ HTTP/1.1\r\nX-A: b")),
  dropped("CR LF in a value", "RFC 9113 §8.2.1", [...sound, ["x-a", "b\r\nX-C: d"]]),
  dropped("an LF in a value", "RFC 9113 §8.2.1", [...sound, ["x-a", "b\nc"]]),
  dropped("a NUL in a value", "RFC 9113 §8.2.1", [...sound, ["x-a", "b\0c"]]),
  dropped("whitespace around a value", "RFC 9113 §8.2.1", [...sound, ["x-a", " b"]]),
  reset("a name in upper case", "RFC 9113 §8.2.1", [...sound, ["X-A", "b"]]),
  dropped("a name with a colon", "RFC 9113 §8.2.1", [...sound, ["x:a", "b"]]),
  dropped("a name with a space", "RFC 9113 §8.2.1", [...sound, ["x a", "b"]]),
  dropped("a name with CR LF", "RFC 9113 §10.3", [...sound, ["x\r\na", "b"]]),
  ...["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"].map((name) =>
    reset(`a field of HTTP/1.1's connections: ${name}`, "RFC 9113 §8.2.2", [
      ...sound,
      [name, name === "transfer-encoding" ? "chunked" : "close"],
    ]),
  ),
  reset("TE that is not trailers", "RFC 9113 §8.2.2", [...sound, ["te", "gzip"]]),
  {
    name: "TE: trailers",
    section: "RFC 9113 §8.2.2",
    fields: [...sound, ["te", "trailers"]],
    expect: fine,
  },
  {
    name: "a length that is more than the frames",
    section: "RFC 9113 §8.1.1",
    fields: [...post, ["content-length", "10"]],
    data: ["hello"],
    expect: "reset",
  },
  {
    name: "a length that is less than the frames",
    section: "RFC 9113 §8.1.1",
    fields: [...post, ["content-length", "3"]],
    data: ["hello"],
    expect: "reset",
  },
  {
    name: "a length without any frame",
    section: "RFC 9113 §8.1.1",
    fields: [...post, ["content-length", "5"]],
    expect: "reset",
  },
  reset("two lengths", "RFC 9110 §8.6", [
    ...post,
    ["content-length", "0"],
    ["content-length", "0"],
  ]),
  reset("a length with a sign", "RFC 9110 §8.6", [...post, ["content-length", "+0"]]),
  {
    name: "a length that is right",
    section: "RFC 9113 §8.1.1",
    fields: [...post, ["content-length", "5"]],
    data: ["hel", "lo"],
    expect: fine,
  },
  {
    name: "a pseudo-field among trailers",
    section: "RFC 9113 §8.1",
    fields: post,
    data: ["hello"],
    trailers: [[":path", "/two"]],
    expect: "reset",
  },
  {
    name: "a length among trailers",
    section: "RFC 9110 §6.5.1",
    fields: post,
    data: ["hello"],
    trailers: [["content-length", "0"]],
    expect: "reset",
  },
  answered("an underscore that looks like a length", "RFC 3875 §4.1.18", [
    ...post,
    ["content_length", "5"],
  ]),
  answered(
    "more fields than are taken",
    "RFC 6585 §5",
    [...sound, ...Array.from({ length: 120 }, (_, i): Field => [`x-${i}`, "1"])],
    431,
  ),
  reset("a head larger than is taken", "RFC 9113 §10.5.1", [...sound, ["x-a", "a".repeat(70_000)]]),
];
