// Clients that others have written, through a whole sidecar to a server of node's: fetch, and curl
// with each of its ways to speak HTTP.
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { requireOrSkip } from "@compendium/metrics/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compile } from "../../src/config/compile.ts";
import { Sidecar } from "../../src/sidecar.ts";
import { listenOn } from "../proxy/harness.ts";
import { collect } from "../proxy/peers.ts";
import { documentOf, type TlsFiles, usualFilters } from "../soak/document.ts";
import { until } from "../upstream/turns.ts";
import { Group } from "./ways.ts";

// What was asked, as an answer: method, path, bytes of the body.
const server = createServer(async (request, response) => {
  const body = await collect(request).catch(() => undefined);
  if (body === undefined) return;
  const hasNone = request.method === "HEAD";
  response.end(hasNone ? undefined : `${request.method} ${request.url} ${body.length}`);
});
const group = new Group();
const sidecar = new Sidecar();
const tls: TlsFiles = group.tlsFiles("proxy");
const member = group.tlsFiles("client");

beforeAll(async () => {
  const more = { routes: [["/", "app"]] as const, filters: usualFilters };
  const listeners = [
    { name: "plain", ...more },
    { name: "tls", tls, ...more },
  ];
  const app = { name: "app", ports: [await listenOn(server)], protocol: "http1" as const };
  await sidecar.apply(compile(documentOf({ listeners, clusters: [app] })));
});

afterAll(async () => {
  await sidecar[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
  group[Symbol.dispose]();
});

const urlOf = (name: "plain" | "tls", path: string): string =>
  `${name === "tls" ? "https" : "http"}://127.0.0.1:${sidecar.plane.portOf(name)}${path}`;

interface Ran {
  readonly code: number;
  readonly out: string;
}

function curl(args: readonly string[], input?: Buffer): Promise<Ran> {
  // The last line says which protocol it was, and the status.
  const format = ["--silent", "--show-error", "--write-out", "\n%{http_version} %{http_code}"];
  return new Promise((resolve) => {
    const child = execFile("curl", [...format, ...args], (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, out: stdout + stderr });
    });
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

const { out: version } = await curl(["--version"]);
const need = {
  name: "curl",
  present: /^Features:.*\bHTTP2\b/m.test(version),
  how: "apt-get install curl, one with HTTP/2",
};
const large = Buffer.alloc(3_000_000, "x");
const withCertificate = [
  ["--cacert", tls.caFile],
  ["--cert", member.certificateFile],
  ["--key", member.keyFile],
].flat();

interface Way {
  readonly name: string;
  readonly args: readonly string[];
  readonly listener?: "tls";
  readonly input?: Buffer;
  readonly expected: string;
}

const upload = ["--upload-file", "-"];
const ways: readonly Way[] = [
  { name: "HTTP/1.1", args: ["--http1.1"], expected: "GET /a/b 0\n1.1 200" },
  { name: "HTTP/1.0", args: ["--http1.0"], expected: "GET /a/b 0\n1.1 200" },
  { name: "HEAD", args: ["--head", "--output", "/dev/null"], expected: "\n1.1 200" },
  {
    name: "HTTP/1.1, a body whose length is not known",
    args: ["--http1.1", ...upload],
    input: large,
    expected: "PUT /a/b 3000000\n1.1 200",
  },
  {
    name: "HTTP/1.1, a client that waits for 100 Continue",
    args: ["--http1.1", "--header", "Expect: 100-continue", "--data-binary", "@-"],
    input: large,
    expected: "POST /a/b 3000000\n1.1 200",
  },
  {
    name: "HTTP/2 by prior knowledge",
    args: ["--http2-prior-knowledge", "--data-binary", "@-"],
    input: large,
    expected: "POST /a/b 3000000\n2 200",
  },
  {
    name: "HTTP/2 asked for by Upgrade, which is not granted",
    args: ["--http2"],
    expected: "GET /a/b 0\n1.1 200",
  },
  {
    name: "HTTP/2 by ALPN, mutual TLS",
    args: ["--http2", ...withCertificate, ...upload],
    listener: "tls",
    input: large,
    expected: "PUT /a/b 3000000\n2 200",
  },
  {
    name: "HTTP/1.1 by ALPN, mutual TLS",
    args: ["--http1.1", ...withCertificate],
    listener: "tls",
    expected: "GET /a/b 0\n1.1 200",
  },
];

for (const { name, args, listener = "plain", input, expected } of ways) {
  test(`curl: ${name}`, async (context) => {
    requireOrSkip(context, need);
    const ran = await curl([...args, urlOf(listener, "/a/./b")], input);
    expect(ran).toEqual({ code: 0, out: expected });
  });
}

test("fetch: a body of known length, a stream, and answers side by side", async () => {
  const url = urlOf("plain", "/a/./b");
  const known = await fetch(url, { method: "POST", body: large });
  expect(await known.text()).toBe("POST /a/b 3000000");
  const body = new Blob([large]).stream();
  const init = { method: "PUT", body, duplex: "half" } as RequestInit;
  expect(await (await fetch(url, init)).text()).toBe("PUT /a/b 3000000");
  const many = await Promise.all(
    Array.from({ length: 50 }, async (_, i) => {
      return await (await fetch(urlOf("plain", `/${i}`))).text();
    }),
  );
  expect(many).toEqual(many.map((_, i) => `GET /${i} 0`));
});

test("fetch: what authorization refuses, and a client that gives up", async () => {
  const refused = await fetch(urlOf("plain", "/x/../forbidden"));
  expect([refused.status, await refused.text()]).toEqual([403, "RBAC: access denied\n"]);
  const gone = new AbortController();
  // Its head leaves with the first part of its body; then nothing more comes.
  const silent = new ReadableStream({ start: (body) => body.enqueue(Buffer.from("begun")) });
  const init = { method: "POST", body: silent, duplex: "half", signal: gone.signal } as RequestInit;
  const asked = fetch(urlOf("plain", "/late"), init);
  await until(() => sidecar.plane.active === 1);
  gone.abort();
  await expect(asked).rejects.toThrow("aborted");
  await until(() => sidecar.plane.active === 0);
});
