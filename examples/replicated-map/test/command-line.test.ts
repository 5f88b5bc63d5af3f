import { expect, test } from "vitest";
import { parseCommandLine, UsageError } from "../src/command-line.ts";

const FIRST = ["--id", "1", "--members", "1=127.0.0.1:7001,2=[::1]:7002", "--data", "d"];
const HTTP = ["--http", "127.0.0.1:8001"];

test("a first member is told the whole group", () => {
  expect(parseCommandLine([...FIRST, ...HTTP])).toEqual({
    id: 1,
    members: new Map([
      [1, "127.0.0.1:7001"],
      [2, "[::1]:7002"],
    ]),
    listen: "127.0.0.1:7001",
    http: { host: "127.0.0.1", port: 8001 },
    folder: "d",
    grpc: false,
    tls: null,
  });
});

test("one that joins is told where to listen", () => {
  const args = ["--id", "4", "--listen", "127.0.0.1:7004", "--http", "[::1]:8004", "--data", "d"];
  const { members, listen, http } = parseCommandLine(args);
  expect([members.size, listen, http]).toEqual([0, "127.0.0.1:7004", { host: "::1", port: 8004 }]);
});

test("mutual TLS needs its three files, and gRPC", () => {
  const tls = ["--tls-ca", "ca", "--tls-cert", "c", "--tls-key", "k"];
  const { tls: parsed } = parseCommandLine([...FIRST, ...HTTP, "--grpc", ...tls]);
  expect(parsed).toEqual({ ca: "ca", certificate: "c", key: "k" });
});

for (const [args, problem] of [
  [["--id", "0", ...HTTP], /--id must be/],
  [["--id", "3", ...FIRST.slice(2), ...HTTP], /names no 3/],
  [FIRST, /--http must be/],
  [["--id", "1", "--members", "1=x:1", ...HTTP], /--data is missing/],
  [["--id", "1", "--members", "nobody", "--data", "d", ...HTTP], /"nobody" is not/],
  [[...FIRST, ...HTTP, "--tls-ca", "ca"], /go together/],
  [[...FIRST, ...HTTP, "--tls-ca", "a", "--tls-cert", "b", "--tls-key", "c"], /with --grpc/],
  [["--what"], /--what/],
] as const) {
  test(`"${args.join(" ")}" is refused`, () => {
    expect(() => parseCommandLine([...args])).toThrow(UsageError);
    expect(() => parseCommandLine([...args])).toThrow(problem);
  });
}
