// Links over gRPC; addresses are "host:port". A link is one long-lived bidirectional call on a
// connection of its own (wire.ts), and links.proto says what travels over it. A call per message
// would carry its headers each time, and set up and tear down a stream on both ends.
//
// What the messages mean is somebody else's: each protocol names a service of its own, so that a
// member of one group that dials a port of another is refused before the first message.
//
// Left out: who the peer is. With `tls`, it is someone whose certificate the authority has signed.
import type { ConnectOptions, Link, Listener, Transport } from "../transport.ts";
import { connectWire, type WireSettings } from "./connect.ts";
import { GrpcLink, type LinkCounts, type LinkLimits } from "./grpc-link.ts";
import { GrpcListener, type ListenCounts } from "./listen.ts";
import { type GrpcCertificates, type GrpcTlsOptions, TlsIdentity } from "./tls.ts";
import type { Wire } from "./wire.ts";

/** Options of {@link GrpcTransport}. */
export interface GrpcTransportOptions {
  /**
   * The gRPC service whose method Link is called, with its package; both ends must name the same.
   * Default "compendium.runtime.v1.Links".
   */
  service?: string;
  /** The largest message in bytes: 1 to 2^30, default 4 MiB. Both ends should agree. */
  messageBytesMax?: number;
  /** What may wait to be sent per link, in bytes: 1 to 2^30, default 16 MiB. */
  queueBytesMax?: number;
  /** What may wait to be iterated per link, in bytes: 1 to 2^30, default 4 MiB. */
  inboxBytesMax?: number;
  /** Links that one listener holds at a time; further ones are closed. 1 to 65535, default 1024. */
  linksMax?: number;
  /** How long `close` tries to send what is queued, in milliseconds: 0 to 60000, default 1000. */
  lingerMs?: number;
  /** How often a peer is asked for a sign of life, in milliseconds: 10 to 3600000, default 5000. */
  keepaliveMs?: number;
  /** How long it may take to give one, in milliseconds: 10 to 3600000, default 5000. */
  keepaliveTimeoutMs?: number;
  /** How long a connection may take to become a link, in ms: 10 to 3600000, default 10000. */
  handshakeMs?: number;
  /** Certificates. Without them nothing is encrypted, and everyone who reaches the port gets in. */
  tls?: GrpcTlsOptions;
}

/** What a {@link GrpcTransport} has counted since it was made. */
export interface GrpcTransportStats extends Readonly<LinkCounts>, Readonly<ListenCounts> {
  /** Links open now. */
  readonly links: number;
}

/** This process's access to a gRPC network. Disposing closes its listeners and links. */
export class GrpcTransport implements Transport, AsyncDisposable {
  readonly #limits: LinkLimits;
  readonly #linksMax: number;
  readonly #settings: WireSettings;
  readonly #tls: TlsIdentity | undefined;
  readonly #listeners = new Set<GrpcListener>();
  readonly #links = new Set<GrpcLink>();
  readonly #linkCounts: LinkCounts = {
    messagesSent: 0,
    messagesRefused: 0,
    messagesReceived: 0,
    framesSent: 0,
    framesRefused: 0,
  };
  readonly #listenCounts: ListenCounts = { linksRefused: 0, handshakesFailed: 0, acceptErrors: 0 };

  /**
   * Throws a RangeError when an option is out of range, a TypeError when a certificate is missing
   * or `service` is no name, and what Node says of certificates that it cannot use.
   */
  constructor(options: GrpcTransportOptions = {}) {
    const { messageBytesMax = 2 ** 22, queueBytesMax = 2 ** 24, inboxBytesMax = 2 ** 22 } = options;
    this.#limits = {
      messageBytesMax: within("messageBytesMax", messageBytesMax, 1, 2 ** 30),
      queueBytesMax: within("queueBytesMax", queueBytesMax, 1, 2 ** 30),
      inboxBytesMax: within("inboxBytesMax", inboxBytesMax, 1, 2 ** 30),
      lingerMs: within("lingerMs", options.lingerMs ?? 1_000, 0, 60_000),
    };
    this.#linksMax = within("linksMax", options.linksMax ?? 1_024, 1, 65_535);
    this.#tls = options.tls === undefined ? undefined : new TlsIdentity(options.tls);
    const { keepaliveMs = 5_000, keepaliveTimeoutMs = 5_000, handshakeMs = 10_000 } = options;
    this.#settings = {
      service: serviceName(options.service ?? "compendium.runtime.v1.Links"),
      messageBytesMax,
      keepaliveMs: within("keepaliveMs", keepaliveMs, 10, 3_600_000),
      keepaliveTimeoutMs: within("keepaliveTimeoutMs", keepaliveTimeoutMs, 10, 3_600_000),
      handshakeMs: within("handshakeMs", handshakeMs, 10, 3_600_000),
      tls: this.#tls,
    };
  }

  async listen(address: string, accept: (link: Link) => void): Promise<Listener> {
    const listener = await GrpcListener.open(address, {
      ...this.#settings,
      linksMax: this.#linksMax,
      counts: this.#listenCounts,
      onWire: (wire) => accept(this.#adopt(wire)),
    });
    this.#listeners.add(listener);
    listener.onClose = () => this.#listeners.delete(listener);
    return listener;
  }

  async connect(address: string, { signal }: ConnectOptions = {}): Promise<Link> {
    return await connectWire(address, this.#settings, signal, (wire) => this.#adopt(wire));
  }

  /**
   * Uses other certificates from now on, on both ends; links that are open keep theirs. Throws as
   * the constructor does, and then nothing has changed.
   */
  replaceCertificates(certificates: GrpcCertificates): void {
    if (this.#tls === undefined) throw new TypeError("this transport was made without tls");
    this.#tls.replace(certificates);
    for (const listener of this.#listeners) listener.refreshCertificates();
  }

  /** Plain numbers, for a metrics package to read. */
  stats(): GrpcTransportStats {
    return { ...this.#linkCounts, ...this.#listenCounts, links: this.#links.size };
  }

  /** Closes all listeners, then all links, each within `lingerMs`. */
  async close(): Promise<void> {
    await Promise.all([...this.#listeners].map((listener) => listener.close()));
    await Promise.all([...this.#links].map((link) => link.close()));
  }

  /** {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #adopt(wire: Wire): GrpcLink {
    const link = new GrpcLink(wire, this.#limits, this.#linkCounts);
    this.#links.add(link);
    link.closed.then(() => this.#links.delete(link));
    return link;
  }
}

// As protobuf writes it: an identifier, and before it those of the package. Else grpc-js would call
// another method than the one that is meant.
function serviceName(name: string): string {
  if (/^[A-Za-z]\w*(\.[A-Za-z]\w*)*$/.test(name)) return name;
  throw new TypeError(
    `service must be a name such as "acme.v1.Links", got ${JSON.stringify(name)}`,
  );
}

function within(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${name} must be an integer in [${min}, ${max}], got ${value}`);
}
