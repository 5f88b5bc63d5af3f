// Certificates and keys in PEM, read whole or not at all. The TLS library takes what it can read of
// a list of authorities and passes over the rest; of a file that is half written that would be half
// of those who may vouch for a client.
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

/** More than this is no file of certificates. */
export const PEM_BYTES_MAX = 1_048_576;

const BEGIN = "-----BEGIN ";
const BLOCK =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/**
 * Every certificate of a file; text around them is passed over.
 *
 * @throws Error when there is none, or something that begins as a block is no certificate
 */
export function readCertificates(pem: Buffer): X509Certificate[] {
  const text = pem.toString("latin1");
  const blocks = text.match(BLOCK) ?? [];
  if (blocks.length === 0) throw new Error("has no certificate");
  // Another kind of block is a file that was taken for another; half a block has only this.
  if (text.split(BEGIN).length - 1 !== blocks.length) {
    throw new Error("has a block that is not a whole certificate");
  }
  return blocks.map((block) => new X509Certificate(block));
}

/**
 * The private key of a file.
 *
 * @throws Error when there is none
 */
export function readPrivateKey(pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new Error(`has no private key that can be used (${(error as Error).message})`);
  }
}
