// Certificates replaced under load, on both sides of a proxy: behind a client with mutual TLS, in
// front of a host with mutual TLS. All that is asked must be answered, over connections that are
// kept and over new ones, while each certificate is replaced again and again.
import { Agent, createServer as createHttps, request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { listenOn, startProxy } from "../proxy/harness.ts";
import { Authority, downstreamTls, Files, upstreamTls } from "./files.ts";
import { chainsOf } from "./proxy.ts";

/** What there was. */
export interface RotationReport {
  readonly rotations: number;
  readonly requests: number;
  readonly failures: readonly string[];
  /** Certificates that clients met. */
  readonly certificates: number;
  readonly handshakes: number;
}

/** Replaces the certificates of a proxy so many times, with so many clients at work. */
export async function rotateUnderLoad(rotations: number, clients: number): Promise<RotationReport> {
  using files = new Files();
  const group = new Authority("group");
  const caFile = files.write("ca.crt", group.ca);
  const renew = () =>
    files.pair("proxy", group.member("proxy", ["spiffe://group/proxy", "127.0.0.1"]));
  const pair = renew();
  await using host = await startHost(group);
  const tls = downstreamTls(pair, {
    clientCaFile: caFile,
    requireClientCertificate: true,
    applicationProtocols: ["http/1.1"],
  });
  const options = {
    upstreamPorts: [host.port],
    cluster: { tls: upstreamTls({ caFile, certificate: pair }), requestsPerConnectionMax: 20 },
  };
  const filterChains = chainsOf([{ tls }], options);
  await using proxy = await startProxy({ ...options, listener: { filterChains } });
  const { secrets } = proxy.plane;
  const load = new Load(proxy.port, group);
  const working = Array.from({ length: clients }, (_, i) => load.run(i % 2 === 0));
  for (let i = 1; i <= rotations; i++) {
    const { requests } = load;
    renew();
    // Both sides have these files: it is one secret.
    while (secrets.numbers.rotations < i) await secrets.refresh();
    // Each is used for a while.
    while (load.requests < requests + clients && load.failures.length === 0) await turn();
  }
  load.stop();
  await Promise.all(working);
  return {
    rotations: secrets.numbers.rotations,
    requests: load.requests,
    failures: load.failures,
    certificates: load.certificates.size,
    handshakes: proxy.plane.listeners.get("in")!.listener.handshakes.completed,
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

async function startHost(group: Authority): Promise<AsyncDisposable & { readonly port: number }> {
  const { certificate, key } = group.member("host");
  const asks = { ca: group.ca, requestCert: true, rejectUnauthorized: true };
  const server = createHttps({ cert: certificate, key, ...asks }, (_, response) => {
    response.end("well");
  });
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const port = await listenOn(server);
  return {
    port,
    [Symbol.asyncDispose]: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      return Promise.resolve();
    },
  };
}

class Load {
  requests = 0;
  readonly failures: string[] = [];
  readonly certificates = new Set<string>();
  readonly #port: number;
  readonly #tls: { cert: string; key: string; ca: string };
  #isOver = false;

  constructor(port: number, group: Authority) {
    const { certificate, key } = group.member("client", ["spiffe://group/client"]);
    this.#port = port;
    this.#tls = { cert: certificate, key, ca: group.ca };
  }

  stop(): void {
    this.#isOver = true;
  }

  async run(keepAlive: boolean): Promise<void> {
    const agent = new Agent({ ...this.#tls, keepAlive, maxSockets: 1 });
    while (!this.#isOver) {
      await this.#ask(agent).catch((error) => this.failures.push(String(error)));
      this.requests++;
    }
    agent.destroy();
  }

  #ask(agent: Agent): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = httpsRequest({ port: this.#port, host: "127.0.0.1", agent }, (response) => {
        const { statusCode } = response;
        if (statusCode !== 200) this.failures.push(`status ${statusCode}`);
        response.resume();
        response.once("end", resolve);
        response.once("error", reject);
      });
      request.once("socket", (socket) => {
        if (!socket.connecting) return;
        socket.once("secureConnect", () => {
          const { fingerprint256 } = (socket as TLSSocket).getPeerCertificate();
          this.certificates.add(fingerprint256);
        });
      });
      request.once("error", reject);
      request.end();
    });
  }
}
