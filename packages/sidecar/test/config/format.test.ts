import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultLine, Format, FormatError, LineFormat } from "../../src/config/format.ts";
import { operators } from "../../src/config/operators.ts";
import { contextOf } from "./format-context.ts";

describe("a format", () => {
  test.each([
    ["100%% of %RESPONSE_CODE%", "100% of 200"],
    ["%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%", "GET /a?b=1"],
    ["%REQ(x-long):3%|%REQ(absent):3%", "abc|"],
    ["%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS%", "192.0.2.1:0 10.0.0.9:4711"],
    ["%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_PORT%", "[::1]:443 443"],
    ["%START_TIME% %PROTOCOL%", "2026-01-02T03:04:05.006Z HTTP/2"],
    ["%DOWNSTREAM_PEER_URI_SAN%%DOWNSTREAM_PEER_DNS_SAN%", "spiffe://example/web"],
    ["%TRAILER(grpc-status)% %GRPC_STATUS_NUMBER% %RESPONSE_FLAGS%", "14 14 -"],
    ["", ""],
  ])("%s is %s", (source, expected) => {
    expect(new Format(source).render(contextOf())).toBe(expected);
  });

  test.each([
    "%",
    "a%b",
    "%NOBODY%",
    "%REQ()%",
    "%REQ%",
    "%DURATION(x)%",
    "%REQ(a?b?c)%",
    "%toString%",
    "%REQ(a?)%",
    "%CONSTRUCTOR%",
  ])("is refused: %s", (source) => expect(() => new Format(source)).toThrow(FormatError));

  test("is one line, whatever a library says", () => {
    const message = "error:0A000410:SSL routines:alert handshake failure\n";
    const said = contextOf({
      upstreamTransportFailure: `TLS: protocol: ${message}`,
      connectionTerminationDetails: `\t${message}second`,
    });
    const format = "%UPSTREAM_TRANSPORT_FAILURE_REASON% %CONNECTION_TERMINATION_DETAILS%";
    expect(new Format(format).render(said)).toBe(
      "TLS:_protocol:_error:0A000410:SSL_routines:alert_handshake_failure" +
        " error:0A000410:SSL_routines:alert_handshake_failure_second",
    );
  });

  test("of any text with percent signs doubled is that text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(new Format(text.replaceAll("%", "%%")).render(contextOf())).toBe(text);
      }),
    );
  });

  test("has an operator for every part of a connection that is no HTTP, too", () => {
    const tcp = contextOf({ request: undefined, response: undefined, trailers: undefined });
    for (const name of Object.keys(operators)) {
      expect(typeof new Format(`%${name}%`).render(tcp, "-")).toBe("string");
    }
  });
});

describe("a line of the access log", () => {
  test("a duration is whole milliseconds, as in Envoy", () => {
    expect(new Format("%DURATION%").value(contextOf({ durationMs: 2.99 }))).toBe(2);
    expect(new Format("%DURATION%").render(contextOf({ durationMs: undefined }), "-")).toBe("-");
  });

  test("is Envoy's where none is given", () => {
    expect(new LineFormat(new Format(defaultLine)).render(contextOf())).toBe(
      '[2026-01-02T03:04:05.006Z] "GET /a?b=1 HTTP/2" 200 - 10 20 6 7 "-" "curl" "-" "shop.example" "10.0.0.1:8080"\n',
    );
  });

  const fields = new Map([
    ["code", new Format("%RESPONSE_CODE%")],
    ["trace", new Format("%TRACE_ID%")],
    ["text", new Format("%DURATION% ms, %TRACE_ID%")],
  ]);

  test("in JSON keeps numbers, and null for what is not known", () => {
    expect(JSON.parse(new LineFormat(fields).render(contextOf()))).toEqual({
      code: 200,
      trace: null,
      text: "6 ms, -",
    });
  });

  test("in JSON leaves out what is not known, if that is wished for", () => {
    expect(JSON.parse(new LineFormat(fields, true).render(contextOf()))).not.toHaveProperty(
      "trace",
    );
  });

  test("in JSON is one line whatever a header says", () => {
    const format = new LineFormat(
      new Map([["__proto__", new Map([["a", new Format("%ROUTE_NAME%")]])]]),
    );
    const line = format.render(contextOf({ routeName: 'a"\n\u2028{' }));
    expect(line.indexOf("\n")).toBe(line.length - 1);
    expect(line).toContain("__proto__");
  });
});
