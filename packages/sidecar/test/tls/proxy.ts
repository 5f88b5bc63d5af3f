// A proxy with TLS before it, and clients of it.
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import type { DownstreamTlsConfig, FilterChainConfig } from "../../src/config/listener-config.ts";
import { type ProxyOptions, type RunningProxy, snapshotOf, startProxy } from "../proxy/harness.ts";

export interface ChainOptions extends Partial<Omit<FilterChainConfig, "match">> {
  readonly match?: Partial<FilterChainConfig["match"]>;
}

/** Starts with these chains, each like the harness's only one but for what is given. */
export function startChains(
  chains: readonly ChainOptions[],
  { listener, ...options }: ProxyOptions,
): Promise<RunningProxy> {
  const filterChains = chainsOf(chains, options);
  return startProxy({ ...options, listener: { ...listener, filterChains } });
}

/** The chains of {@link startChains}. */
export function chainsOf(
  chains: readonly ChainOptions[],
  options: ProxyOptions,
): FilterChainConfig[] {
  const [plain] = snapshotOf(options).listeners.get("in")!.filterChains;
  return chains.map((chain, i) => ({
    ...plain!,
    name: `chain ${i}`,
    ...chain,
    match: { ...plain!.match, ...chain.match },
  }));
}

/** One chain, for TLS. */
export function startTls(tls: DownstreamTlsConfig, options: ProxyOptions): Promise<RunningProxy> {
  return startChains([{ tls }], options);
}

export interface Visit {
  /** What came back, up to the end of the connection. */
  readonly text: string;
  /** The code of the error on the client's side. */
  readonly error: string | undefined;
  readonly protocol: string | false | null;
  readonly certificate: string | undefined;
  readonly session: Buffer | undefined;
  readonly isResumed: boolean;
}

/** Connects, sends a request of HTTP/1.1 that closes the connection, and reads to the end. */
export function visit(port: number, options: ConnectionOptions, text = request): Promise<Visit> {
  return new Promise((resolve) => {
    let got = "";
    let error: string | undefined;
    let session: Buffer | undefined;
    let certificate: string | undefined;
    let isResumed = false;
    const socket: TLSSocket = connect({
      port,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      ...options,
    });
    socket.on("secureConnect", () => {
      certificate = socket.getPeerX509Certificate()?.toString();
      isResumed = socket.isSessionReused();
      socket.write(text);
    });
    socket.on("session", (given) => {
      session = given;
    });
    socket.on("data", (chunk) => {
      got += chunk.toString("latin1");
    });
    socket.on("error", (failure: NodeJS.ErrnoException) => {
      error = failure.code;
    });
    socket.on("close", () => {
      resolve({ text: got, error, protocol: socket.alpnProtocol, certificate, session, isResumed });
    });
  });
}

export const request = "GET /path HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
