// Who may connect to whom, by TLS. In a group of equals every member is a client of some and a
// server of others, so one certificate serves both ends (extended key usage: server and client),
// and all are signed by an authority that belongs to the group: whoever shows a certificate of that
// authority is a member, and nobody else gets as far as HTTP/2.
//
// The handshake is Node's own. grpc-js gets sockets that are through it on the accepting end, and
// the context to make one with on the other.
import { isIP } from "node:net";
import * as tls from "node:tls";

/** A certificate and what belongs to it, as PEM. */
export interface GrpcCertificates {
  /**
   * This process's own certificate, followed by intermediate ones if there are any. Without one it
   * cannot listen, and can connect only where none is asked for.
   */
  certificate?: string | Uint8Array;
  /** The private key of `certificate`. */
  key?: string | Uint8Array;
  /** The authorities whose certificates are believed; the public ones are not. */
  ca: string | Uint8Array;
}

/** Option `tls` of {@link GrpcTransport}. */
export interface GrpcTlsOptions extends GrpcCertificates {
  /** Whether who connects must show a certificate signed by `ca`. Default true: mutual TLS. */
  requireClientCertificate?: boolean;
  /**
   * The name that the certificate of a listener must have. Default: the host of the address that is
   * connected to.
   */
  serverName?: string;
  /**
   * Has the last word, on both ends, about a certificate that is right in every other way: true
   * lets the peer in. It must not throw.
   */
  verifyPeer?: (certificate: tls.PeerCertificate) => boolean;
}

// RFC 6066 forbids an address as the name that a client asks for, and Node warns of it; grpc-js
// would ask for it all the same. This is a name that nobody has (RFC 2606).
const NAMELESS = "address.invalid";

/** What is asked of a listener whose address is `host`. */
export interface ClientTls {
  readonly context: tls.SecureContext;
  /** The name to ask for. */
  readonly askFor: string;
  /** An error where the certificate is not the right one. */
  readonly check: (asked: string, certificate: tls.PeerCertificate) => Error | undefined;
}

/** TLS of one transport; its certificates can be replaced. */
export class TlsIdentity {
  readonly #options: GrpcTlsOptions;
  #context: tls.SecureContext;
  #pem: tls.SecureContextOptions;

  /** @throws TypeError when an option is missing; Error when Node cannot use the certificates */
  constructor(options: GrpcTlsOptions) {
    this.#options = options;
    this.#pem = pemOf(options);
    this.#context = tls.createSecureContext(this.#pem);
  }

  /** Uses others from now on. @throws as the constructor does; then nothing has changed */
  replace(certificates: GrpcCertificates): void {
    const pem = pemOf(certificates);
    this.#context = tls.createSecureContext(pem);
    this.#pem = pem;
  }

  /** What a server's context is made from. */
  get pem(): tls.SecureContextOptions {
    return this.#pem;
  }

  /**
   * The options of a listener.
   *
   * @throws TypeError without a certificate
   */
  serverOptions(handshakeMs: number): tls.TlsOptions {
    if (this.#pem.cert === undefined) {
      throw new TypeError("tls.certificate and tls.key must be given in order to listen");
    }
    const requestCert = this.#options.requireClientCertificate ?? true;
    return {
      ...this.#pem,
      requestCert,
      rejectUnauthorized: requestCert,
      ALPNProtocols: ["h2"],
      handshakeTimeout: handshakeMs,
    };
  }

  /** Whether a client that is through the handshake may stay. */
  admits(socket: tls.TLSSocket): boolean {
    const { verifyPeer, requireClientCertificate = true } = this.#options;
    if (!requireClientCertificate) return true;
    return socket.authorized && (verifyPeer?.(socket.getPeerCertificate()) ?? true);
  }

  /** What a client needs to connect to that host. */
  client(host: string): ClientTls {
    const { serverName = host, verifyPeer } = this.#options;
    return {
      context: this.#context,
      askFor: isIP(serverName) === 0 ? serverName : NAMELESS,
      check: (_, certificate) => {
        const wrongName = tls.checkServerIdentity(serverName, certificate);
        if (wrongName !== undefined) return wrongName;
        if (verifyPeer?.(certificate) ?? true) return undefined;
        return new Error(`verifyPeer refused the certificate of ${serverName}`);
      },
    };
  }
}

function pemOf({ certificate, key, ca }: GrpcCertificates): tls.SecureContextOptions {
  // Without `ca`, Node would believe every public authority.
  const authorities = { ca: pem("ca", ca) };
  if (certificate === undefined && key === undefined) return authorities;
  return { cert: pem("certificate", certificate), key: pem("key", key), ...authorities };
}

function pem(name: string, value: string | Uint8Array | undefined): string | Buffer {
  if (typeof value === "string" && value !== "") return value;
  if (value instanceof Uint8Array && value.length > 0) return Buffer.from(value);
  throw new TypeError(`tls.${name} must be PEM, as a string or bytes, got ${typeof value}`);
}
