// The handshake towards those who call, for one filter chain. It is node:tls's own: a server that
// listens on nothing is given sockets whose first bytes were looked at, and what comes back has a
// verified owner, or is closed with a reason.
//
// Certificates that were replaced make another server; connections stay with the one that they
// came by. A server has a ticket key of its own that leaves it never, so a session is resumed only
// under the very certificates and authorities that it began with. Where clients show certificates
// nothing is resumed at all: a resumed session shows none (RFC 8446 §2.2), and would outlive the
// one that it began with.
import { constants, type X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { TlsInfo } from "../codec/codec.ts";
import type { DownstreamTlsConfig } from "../config/listener-config.ts";
import { readAltNames } from "./alt-names.ts";
import type { ClientHello } from "./client-hello.ts";
import { failureOf, type HandshakeFailure } from "./handshakes.ts";
import { peerFault } from "./peer-names.ts";
import type { Secret, SecretContent } from "./secret.ts";

/** What a handshake tells, once. */
export interface HandshakeEvents {
  onSecure(socket: TLSSocket, tls: TlsInfo): void;
  /** The socket is closed. `detail` is for the log. */
  onFailed(failure: HandshakeFailure, detail: string): void;
}

interface Attempt {
  readonly hello: ClientHello;
  readonly events: HandshakeEvents;
}

// Handshakes have the listener's timer, on the clock of this process's choice.
const NO_TIMEOUT_MS = 2 ** 31 - 1;

/** TLS of one filter chain. */
export class ServerTls {
  readonly #config: DownstreamTlsConfig;
  readonly #secret: Secret;
  // By the socket beneath: handshakes under way.
  readonly #attempts = new Map<Socket, Attempt>();
  #content: SecretContent | undefined;
  #server: Server | undefined;

  constructor(config: DownstreamTlsConfig, secret: Secret) {
    this.#config = config;
    this.#secret = secret;
  }

  /** Handshakes under way. */
  get active(): number {
    return this.#attempts.size;
  }

  /**
   * Takes a socket whose first bytes were given back. Whoever destroys the socket before the
   * handshake is over is told nothing more.
   */
  accept(socket: Socket, hello: ClientHello, events: HandshakeEvents): void {
    this.#attempts.set(socket, { hello, events });
    // TLS has no half-open handshake: a client that closes its side in the middle is gone.
    socket.allowHalfOpen = false;
    socket.once("close", () => {
      // After the library has said why.
      setImmediate(() => this.#settle(socket)?.events.onFailed("closed", "closed by the client"));
    });
    this.#current().emit("connection", socket);
  }

  /** The caller has given up. */
  forget(socket: Socket): void {
    this.#attempts.delete(socket);
  }

  #current(): Server {
    const content = this.#secret.current;
    if (this.#server === undefined || this.#content !== content) {
      this.#server = this.#makeServer(content);
      this.#content = content;
    }
    return this.#server;
  }

  #makeServer({ certificates, ca }: SecretContent): Server {
    const { applicationProtocols, minVersion, requireClientCertificate } = this.#config;
    const server = createServer({
      cert: certificates.map(({ certificate }) => certificate),
      key: certificates.map(({ key }) => key),
      minVersion,
      handshakeTimeout: NO_TIMEOUT_MS,
      requestCert: ca !== undefined,
      rejectUnauthorized: requireClientCertificate,
      ...(ca && { ca, secureOptions: constants.SSL_OP_NO_TICKET }),
      ...(applicationProtocols.length > 0 && { ALPNProtocols: [...applicationProtocols] }),
    });
    server.on("secureConnection", (socket) => this.#onSecure(socket));
    server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
      const attempt = this.#settle(beneath(socket));
      const verdict = socket.authorizationError as unknown as string | null;
      socket.on("error", () => {});
      socket.destroy();
      attempt?.events.onFailed(failureOf(verdict ?? error.code), verdict ?? error.message);
    });
    return server;
  }

  #onSecure(socket: TLSSocket): void {
    const attempt = this.#settle(beneath(socket));
    socket.on("error", () => socket.destroy());
    if (attempt === undefined) {
      socket.destroy();
      return;
    }
    const { hello, events } = attempt;
    const judged = this.#judge(socket, hello);
    if (typeof judged === "string") {
      socket.destroy();
      events.onFailed(judged, `the handshake ended with ${judged}`);
      return;
    }
    socket.allowHalfOpen = true;
    events.onSecure(socket, judged);
  }

  #judge(socket: TLSSocket, hello: ClientHello): TlsInfo | HandshakeFailure {
    const { serverName } = hello;
    const applicationProtocol = socket.alpnProtocol || undefined;
    // The chain was chosen by another reading of these bytes than the library's.
    const heard = (socket as { servername?: string | false | null }).servername || undefined;
    if (heard?.toLowerCase() !== serverName) return "bad-hello";
    if (applicationProtocol && !hello.applicationProtocols.includes(applicationProtocol)) {
      return "bad-hello";
    }
    const names = this.#namesOf(socket);
    if (typeof names === "string") return names;
    const version = socket.getProtocol() ?? "";
    return {
      serverName,
      applicationProtocol,
      version,
      peerUris: names.uris,
      peerDnsNames: names.dnsNames,
    };
  }

  #namesOf(
    socket: TLSSocket,
  ): { uris: readonly string[]; dnsNames: readonly string[] } | HandshakeFailure {
    const { clientCaFile, requireClientCertificate, allowedNames } = this.#config;
    const nobody = { uris: [], dnsNames: [] };
    if (clientCaFile === undefined) return nobody;
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return requireClientCertificate ? "no-certificate" : nobody;
    // Where none is required, one that is shown must be good all the same.
    if (!socket.authorized) {
      return failureOf(String(socket.authorizationError ?? "untrusted"));
    }
    return judgeCertificate(certificate, allowedNames);
  }

  #settle(socket: Socket | undefined): Attempt | undefined {
    if (socket === undefined) return undefined;
    const attempt = this.#attempts.get(socket);
    this.#attempts.delete(socket);
    return attempt;
  }
}

/** The names of a certificate whose chain was verified, or why its owner is turned away. */
export function judgeCertificate(
  { raw, ca }: Pick<X509Certificate, "raw" | "ca">,
  allowed: DownstreamTlsConfig["allowedNames"],
): { uris: readonly string[]; dnsNames: readonly string[] } | HandshakeFailure {
  const names = readAltNames(raw);
  if (names === undefined) return "bad-certificate";
  return peerFault(names, ca, allowed) ?? names;
}

// The one name here that node:tls does not document: which of the sockets that it was given a TLS
// socket stands on. Without it no handshake finds its attempt, and all of them fail.
function beneath(socket: TLSSocket): Socket | undefined {
  return (socket as TLSSocket & { readonly _parent?: Socket })._parent;
}
