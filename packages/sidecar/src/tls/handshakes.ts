// How handshakes end, in words that are few enough for a metric.

/** Why there was no handshake, or it came to nothing. */
export const handshakeFailures = [
  /** Plain bytes where only TLS is spoken. */
  "not-tls",
  /** TLS where only HTTP without it is spoken. */
  "unexpected-tls",
  /** The first message was no ClientHello that can be read in one way only. */
  "bad-hello",
  /** Nothing that both sides speak: versions, ciphers, or what came was no TLS in the end. */
  "protocol",
  /** The client offers protocols, and none of them is the chain's (RFC 7301 §3.2). */
  "alpn",
  /** A certificate is required, and none was shown. */
  "no-certificate",
  /** Nobody who is trusted vouches for the certificate. */
  "untrusted",
  /** It is not valid any more, or not yet. */
  "expired",
  /** Its names cannot be read in one way only. */
  "bad-certificate",
  /** It is not the certificate of one SPIFFE workload. */
  "spiffe-id",
  /** None of its names is allowed. */
  "name",
  /** The other side closed the connection. */
  "closed",
  /** The time was up. */
  "timeout",
] as const;

/** One of {@link handshakeFailures}. */
export type HandshakeFailure = (typeof handshakeFailures)[number];

/** A count for each. */
export function noFailures(): Record<HandshakeFailure, number> {
  const zeros = handshakeFailures.map((failure) => [failure, 0]);
  return Object.fromEntries(zeros) as Record<HandshakeFailure, number>;
}

/** What the library's error means. */
export function failureOf(code: string | undefined): HandshakeFailure {
  switch (code) {
    case "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE":
      return "no-certificate";
    case "ERR_SSL_NO_APPLICATION_PROTOCOL":
    case "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL":
      return "alpn";
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return "expired";
    case "ECONNRESET":
    case "EPIPE":
      return "closed";
    default:
      return code?.startsWith("ERR_SSL_") === false ? "untrusted" : "protocol";
  }
}
