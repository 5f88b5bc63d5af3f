// TLS towards a cluster: a socket from the connector beneath, a handshake on it, and a look at who
// answered. The time for a connection covers both.
//
// Whose certificate it must be: one of `allowedNames`, where there are any, since in a mesh a
// workload is known by its SPIFFE id and its certificate names no host; else the configured server
// name, or the endpoint's own name, or its address. Without an authority to trust nothing is
// verified, as in Envoy; the configuration is told so when it is read.
//
// No session is resumed: pools keep connections, and every connection has seen a certificate.
import { isIP, type Socket } from "node:net";
import { connect, createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import type { Clock } from "@compendium/runtime";
import { type Host, ipOf } from "../cluster/host.ts";
import type { PeerInfo, Protocol, TlsInfo } from "../codec/codec.ts";
import type { UpstreamTlsConfig } from "../config/listener-config.ts";
import type { HandshakeNumbers } from "../listener/arrival.ts";
import { failureOf, type HandshakeFailure, noFailures } from "../tls/handshakes.ts";
import type { Secret, SecretContent } from "../tls/secret.ts";
import { judgeCertificate } from "../tls/server-tls.ts";
import { type ConnectEvents, type Connector, protocolOf, type Wish } from "./connect.ts";

/** What a connector with TLS is made of. */
export interface TlsConnectorOptions {
  readonly config: UpstreamTlsConfig;
  readonly secret: Secret;
  /** Makes the sockets. */
  readonly beneath: Connector;
  readonly clock: Clock;
}

/** TLS on top of another connector. */
export class TlsConnector implements Connector {
  readonly handshakes: HandshakeNumbers = { completed: 0, failed: noFailures() };
  readonly #options: TlsConnectorOptions;
  #content: SecretContent | undefined;
  #context: SecureContext | undefined;

  constructor(options: TlsConnectorOptions) {
    this.#options = options;
  }

  connect(host: Host, wish: Wish, timeoutMs: number, events: ConnectEvents): Disposable {
    const { beneath, clock } = this.#options;
    const endAtMs = clock.now() + timeoutMs;
    const step: { now: Disposable } = {
      now: beneath.connect(host, wish, timeoutMs, {
        onConnected: (socket, peer) => {
          step.now = this.#shakeHands(socket, peer, host, wish, endAtMs, events);
        },
        onFailed: (failure, detail) => events.onFailed(failure, detail),
      }),
    };
    return { [Symbol.dispose]: () => step.now[Symbol.dispose]() };
  }

  #shakeHands(
    raw: Socket,
    peer: PeerInfo,
    host: Host,
    wish: Wish,
    endAtMs: number,
    events: ConnectEvents,
  ): Disposable {
    const { clock } = this.#options;
    const { allowHalfOpen } = raw;
    // A side that closes in the middle of a handshake is gone.
    raw.allowHalfOpen = false;
    let socket: TLSSocket;
    try {
      socket = this.#begin(raw, wish);
    } catch (error) {
      raw.destroy();
      queueMicrotask(() => this.#fail(events, "protocol", (error as Error).message));
      return { [Symbol.dispose]: () => {} };
    }
    let isOver = false;
    const settle = (): void => {
      isOver = true;
      timer[Symbol.dispose]();
      socket.off("secureConnect", onSecure);
      socket.off("error", onError);
      socket.off("close", onClose);
    };
    const giveUp = (): void => {
      settle();
      socket.on("error", () => {});
      socket.destroy();
    };
    const onSecure = (): void => {
      const judged = this.#judge(socket, host);
      if (typeof judged === "string") {
        giveUp();
        this.#fail(events, judged, "the certificate is not that of this host");
        return;
      }
      settle();
      socket.allowHalfOpen = allowHalfOpen;
      this.handshakes.completed++;
      const agreed = socket.alpnProtocol;
      events.onConnected(socket, { ...peer, tls: judged }, spoken(agreed, wish));
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      giveUp();
      this.#fail(events, failureOf(error.code), error.message);
    };
    const onClose = (): void => {
      giveUp();
      this.#fail(events, "closed", "the host closed the connection");
    };
    const timer = clock.setTimer(endAtMs, () => {
      giveUp();
      this.handshakes.failed.timeout++;
      events.onFailed("connect-timeout", "the TLS handshake took too long");
    });
    socket.once("secureConnect", onSecure);
    socket.once("error", onError);
    socket.once("close", onClose);
    return { [Symbol.dispose]: () => (isOver ? undefined : giveUp()) };
  }

  #begin(socket: Socket, wish: Wish): TLSSocket {
    const { caFile, serverName, applicationProtocols } = this.#options.config;
    const offered = applicationProtocols.length > 0 ? applicationProtocols : offerOf(wish);
    return connect({
      socket,
      secureContext: this.#currentContext(),
      rejectUnauthorized: caFile !== undefined,
      // Names are judged by this package's rules, once the chain is verified.
      checkServerIdentity: () => undefined,
      ...(offered.length > 0 && { ALPNProtocols: [...offered] }),
      // RFC 6066 §3: an address is no server name.
      ...(serverName !== undefined && isIP(serverName) === 0 && { servername: serverName }),
    });
  }

  #currentContext(): SecureContext {
    const { config, secret } = this.#options;
    const { current } = secret;
    if (this.#context === undefined || this.#content !== current) {
      const [own] = current.certificates;
      const { ca } = current;
      this.#context = createSecureContext({
        minVersion: config.minVersion,
        ...(own && { cert: own.certificate, key: own.key }),
        ...(ca && { ca }),
      });
      this.#content = current;
    }
    return this.#context;
  }

  #judge(socket: TLSSocket, host: Host): TlsInfo | HandshakeFailure {
    const { caFile, serverName, allowedNames } = this.#options.config;
    const info = {
      serverName,
      applicationProtocol: socket.alpnProtocol || undefined,
      version: socket.getProtocol() ?? "",
    };
    if (caFile === undefined) return { ...info, peerUris: [], peerDnsNames: [] };
    const certificate = socket.getPeerX509Certificate();
    if (!socket.authorized || certificate === undefined) return "untrusted";
    const names = judgeCertificate(certificate, allowedNames);
    if (typeof names === "string") return names;
    if (allowedNames.length === 0) {
      const name = serverName ?? (host.hostname === "" ? ipOf(host) : host.hostname);
      // The subject's common name has been no host's name since RFC 6125.
      const found =
        isIP(name) === 0
          ? certificate.checkHost(name, { subject: "never", partialWildcards: false })
          : certificate.checkIP(name);
      if (found === undefined) return "name";
    }
    return { ...info, peerUris: names.uris, peerDnsNames: names.dnsNames };
  }

  #fail(events: ConnectEvents, failure: HandshakeFailure, detail: string): void {
    this.handshakes.failed[failure]++;
    events.onFailed("connect-failure", `TLS: ${failure}: ${detail}`);
  }
}

// Where nothing is configured a pool offers what it is going to speak, as in Envoy.
function offerOf(wish: Wish): readonly string[] {
  if (wish === "tcp") return [];
  return wish === "h2" ? ["h2"] : ["http/1.1"];
}

function spoken(agreed: string | false | null, wish: Wish): Protocol {
  if (agreed === "h2") return "h2";
  return agreed === "http/1.1" ? "http/1.1" : protocolOf(wish);
}
