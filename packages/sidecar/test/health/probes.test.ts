// The probes against real servers on this machine: node's, and grpc-js's own.
import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from "node:net";
import { systemClock } from "@compendium/runtime";
import { Server as GrpcServer, status as grpcCodes, ServerCredentials } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { type Host, ipOf, makeHost } from "../../src/cluster/host.ts";
import { defaultCodecLimits } from "../../src/codec/codec.ts";
import { NodeCodec } from "../../src/codec/node/node-codec.ts";
import type { HealthCheckConfig } from "../../src/config/cluster-config.ts";
import { makeProbe, type ProbeOptions } from "../../src/health/probes/make-probe.ts";
import { type Connector, TcpConnector } from "../../src/upstream/connect.ts";

const opened: AsyncDisposable[] = [];

afterEach(async () => {
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
});

function hostAt(port: number, more: Partial<Omit<Host, "numbers">> = {}): Host {
  return makeHost({ address: `127.0.0.1:${port}`, port, ...more });
}

async function listen(server: Server): Promise<Host> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  opened.push({
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  });
  return hostAt((server.address() as AddressInfo).port);
}

/** A port at which nobody listens. */
async function nobody(): Promise<Host> {
  const server = createTcpServer();
  const host = await listen(server);
  const { port } = host;
  await opened.pop()![Symbol.asyncDispose]();
  return hostAt(port);
}

const never = new AbortController().signal;
const codec = new NodeCodec().client(defaultCodecLimits);

function ask(
  check: HealthCheckConfig["check"],
  host: Host,
  signal: AbortSignal = never,
  more: Partial<ProbeOptions> = {},
): Promise<"healthy" | "unhealthy"> {
  const connector = new TcpConnector(systemClock);
  const options = { connector, codec, protocol: "http1", timeoutMs: 60_000, ...more } as const;
  return makeProbe(check, options)(host, signal);
}

const tcp = (send: string, receive: string): HealthCheckConfig["check"] => {
  return { kind: "tcp", send: Buffer.from(send), receive: Buffer.from(receive) };
};

describe("the TCP probe", () => {
  test("is content with being let in where nothing is to be heard", async () => {
    expect(await ask(tcp("", ""), await listen(createTcpServer()))).toBe("healthy");
  });

  test("hears what is expected, in pieces and among other things", async () => {
    const server = createTcpServer((socket) => {
      socket.once("data", (asked) => {
        socket.write(`>${String(asked)}: +PO`);
        setImmediate(() => socket.write("NG\r\n"));
      });
    });
    expect(await ask(tcp("PING", "+PONG"), await listen(server))).toBe("healthy");
  });

  test("rejects where nobody listens, and where a host closes without the word", async () => {
    await expect(ask(tcp("", ""), await nobody())).rejects.toThrow("ECONNREFUSED");
    const server = createTcpServer((socket) => socket.end("-LOADING"));
    await expect(ask(tcp("", "+PONG"), await listen(server))).rejects.toThrow("closed before");
  });

  test("does not listen for ever", async () => {
    const server = createTcpServer((socket) => {
      const talk = (): void => {
        while (!socket.destroyed && socket.write("x".repeat(4_096)));
      };
      socket.on("drain", talk);
      talk();
    });
    await expect(ask(tcp("", "y"), await listen(server))).rejects.toThrow("not among the first");
  });
});

describe("the HTTP probe", () => {
  const check = {
    kind: "http",
    host: "",
    path: "/healthz?deep",
    expected: [
      [200, 201],
      [300, 400],
    ],
  } as const;
  const serve = (listener: RequestListener) => listen(createHttpServer(listener));

  test.each([
    [200, "healthy"],
    [201, "unhealthy"],
    [302, "healthy"],
    [400, "unhealthy"],
    [503, "unhealthy"],
  ])("takes a status of %i for %s", async (status, verdict) => {
    const host = await serve((_request, response) => response.writeHead(status).end("body"));
    expect(await ask(check, host)).toBe(verdict);
  });

  test("asks for the path, of the host that is configured, by its name, or by its address", async () => {
    const asked: string[] = [];
    const host = await serve((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.host}`);
      response.end();
    });
    await ask(check, host);
    await ask(check, { ...host, hostname: "a.test" });
    await ask({ ...check, host: "b.test" }, host);
    expect(asked).toEqual(
      [host.address, "a.test", "b.test"].map((name) => `GET /healthz?deep ${name}`),
    );
  });

  test("rejects where there is no answer, or only half of one", async () => {
    await expect(ask(check, await nobody())).rejects.toThrow("ECONNREFUSED");
    const mute = await listen(createTcpServer((socket) => socket.end()));
    await expect(ask(check, mute)).rejects.toThrow();
    const half = await serve((_request, response) => {
      response.writeHead(200, { "content-length": "10" }).write("12345");
      setImmediate(() => response.socket?.destroy());
    });
    await expect(ask(check, half)).rejects.toThrow();
  });
});

test("an HTTP probe speaks the protocol of its cluster", async () => {
  const check = { kind: "http", host: "", path: "/healthz", expected: [[204, 205]] } as const;
  const server = createHttp2Server((request, response) => {
    response.writeHead(request.url === "/healthz" ? 204 : 404).end();
  });
  const host = await listen(server);
  expect(await ask(check, host, never, { protocol: "http2" })).toBe("healthy");
  await expect(ask(check, host, never, { protocol: "http1" })).rejects.toThrow();
});

test.each([
  ["tcp", "http2", "tcp"],
  ["http", "downstream", "http/1.1"],
  ["http", "http2", "h2"],
  ["grpc", "http1", "h2"],
] as const)(
  "a %s probe goes by the connector of a cluster of %s, and wishes for %s",
  async (kind, protocol, wish) => {
    const asked: unknown[] = [];
    const connector: Connector = {
      connect: (_host, wished, timeoutMs, { onFailed }) => {
        asked.push([wished, timeoutMs]);
        queueMicrotask(() => onFailed("connect-failure", "no handshake"));
        return { [Symbol.dispose]: () => {} };
      },
    };
    const check = { kind, host: "", path: "/", expected: [], service: "", authority: "" };
    const config = { ...tcp("", ""), ...check } as HealthCheckConfig["check"];
    const asking = ask(config, hostAt(1), never, { connector, protocol, timeoutMs: 700 });
    await expect(asking).rejects.toThrow("connect-failure: no handshake");
    expect(asked).toEqual([[wish, 700]]);
  },
);

describe("the gRPC probe", () => {
  const identity = (bytes: Buffer): Buffer => bytes;

  async function serve(answer: (service: string) => number | Error): Promise<Host> {
    const server = new GrpcServer();
    const method = {
      path: "/grpc.health.v1.Health/Check",
      requestStream: false,
      responseStream: false,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    } as const;
    server.addService(
      { check: method },
      {
        check: (
          { request }: { request: Buffer },
          reply: (error: Error | null, message?: Buffer) => void,
        ) => {
          const found = answer(request.subarray(2).toString());
          if (found instanceof Error) reply(found);
          else reply(null, Buffer.from(found === 0 ? [] : [0x08, found]));
        },
      },
    );
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
    opened.push({ [Symbol.asyncDispose]: async () => server.forceShutdown() });
    return hostAt(await promise);
  }

  const check = { kind: "grpc", service: "", authority: "" } as const;

  test.each([
    [0, "unhealthy"],
    [1, "healthy"],
    [2, "unhealthy"],
    [3, "unhealthy"],
  ])("takes a serving status of %i for %s", async (status, verdict) => {
    expect(await ask(check, await serve(() => status))).toBe(verdict);
  });

  test("asks for a service by its name, of which the rest may be well or not", async () => {
    const host = await serve((service) => (service === "billing" ? 1 : 2));
    expect(await ask({ ...check, service: "billing" }, host)).toBe("healthy");
    expect(await ask({ ...check, service: "editor" }, host)).toBe("unhealthy");
  });

  test("takes an error of gRPC for an answer: unhealthy", async () => {
    const host = await serve(() => Object.assign(new Error("who?"), { code: grpcCodes.NOT_FOUND }));
    expect(await ask(check, host)).toBe("unhealthy");
  });

  test("takes a server that is none of gRPC for unhealthy", async () => {
    const server = createHttp2Server((_request, response) => response.writeHead(404).end());
    expect(await ask(check, await listen(server))).toBe("unhealthy");
  });

  test("rejects where there is no answer", async () => {
    await expect(ask(check, await nobody())).rejects.toThrow("ECONNREFUSED");
    const mute = await listen(createTcpServer((socket) => socket.end()));
    await expect(ask(check, mute)).rejects.toThrow();
    const server = createHttp2Server();
    server.on("stream", (stream) => {
      stream.on("error", () => {});
      stream.close(2);
    });
    await expect(ask(check, await listen(server))).rejects.toThrow();
  });
});

test.each([
  tcp("", "x"),
  { kind: "http", host: "", path: "/", expected: [[200, 201]] },
  { kind: "grpc", service: "", authority: "" },
] as const)("a signal ends the probe of a host that says nothing: $kind", async (check) => {
  const closed = Promise.withResolvers<void>();
  const host = await listen(
    createTcpServer((socket) => {
      socket.on("close", () => closed.resolve());
      socket.resume();
      setImmediate(() => controller.abort());
    }),
  );
  const controller = new AbortController();
  await expect(ask(check, host, controller.signal)).rejects.toThrow();
  await closed.promise;
});

test("an address is taken apart into what a socket takes", () => {
  expect(ipOf(hostAt(80))).toBe("127.0.0.1");
  expect(ipOf({ address: "[::1]:8080", port: 8080 })).toBe("::1");
});
