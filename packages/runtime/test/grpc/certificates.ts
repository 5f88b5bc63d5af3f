// Authorities and certificates for tests, in X.509's own bytes (RFC 5280): signed by Node, so that
// no test has to wait for openssl, or to go without.
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import type { GrpcCertificates } from "@compendium/runtime/grpc";

/** A certificate with its key, and the authority that vouches for it. */
export type MemberCertificates = GrpcCertificates & {
  certificate: string;
  key: string;
  ca: string;
};

/** What a certificate may be besides. */
export interface MemberOptions {
  /** Whether it may sign others. */
  readonly isAuthority?: boolean;
  /** Negative: it has ended. */
  readonly endsInMs?: number;
}

const DAY_MS = 24 * 3_600_000;

/** An authority that signs members' certificates. */
export class Authority {
  readonly ca: string;
  readonly #name: string;
  readonly #keys: Keys = newKeys();

  constructor(name: string) {
    this.#name = name;
    const { publicKey } = this.#keys;
    this.ca = this.#certify(name, publicKey, [extension(BASIC_CONSTRAINTS, sequence(TRUE))]);
  }

  /**
   * A certificate for both ends, with that common name, for localhost and 127.0.0.1.
   *
   * @param hosts names, addresses, URIs, or whole GeneralNames in DER; none: without the extension
   */
  member(
    name: string,
    hosts: readonly (string | Buffer)[] = ["localhost", "127.0.0.1"],
    { isAuthority = false, endsInMs = DAY_MS }: MemberOptions = {},
  ): MemberCertificates {
    const { publicKey, privateKey } = newKeys();
    const extensions = [extension(EXTENDED_KEY_USAGE, sequence(SERVER_AUTH, CLIENT_AUTH))];
    if (isAuthority) extensions.push(extension(BASIC_CONSTRAINTS, sequence(TRUE)));
    if (hosts.length > 0) {
      extensions.push(extension(ALTERNATIVE_NAMES, sequence(...hosts.map(generalName))));
    }
    const certificate = this.#certify(name, publicKey, extensions, endsInMs);
    const key = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    return { certificate, key, ca: this.ca };
  }

  #certify(
    name: string,
    key: KeyObject,
    extensions: readonly Buffer[],
    endsInMs: number = DAY_MS,
  ): string {
    const toBeSigned = sequence(
      der(0xa0, der(INTEGER, Buffer.of(2))),
      // Positive, and not the same twice.
      der(INTEGER, Buffer.concat([Buffer.of(1), randomBytes(8)])),
      ECDSA_WITH_SHA256,
      commonName(this.#name),
      sequence(time(Date.now() - DAY_MS), time(Date.now() + endsInMs)),
      commonName(name),
      key.export({ type: "spki", format: "der" }),
      der(0xa3, sequence(...extensions)),
    );
    const signature = sign("sha256", toBeSigned, this.#keys.privateKey);
    const certificate = sequence(toBeSigned, ECDSA_WITH_SHA256, bits(signature));
    const lines = certificate.toString("base64").replaceAll(/.{1,64}/g, "$&\n");
    return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`;
  }
}

type Keys = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

function newKeys(): Keys {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

// DER, as far as it is needed here: ITU-T X.690, §8 and §10.
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const TRUE = Buffer.of(0x01, 1, 0xff);

const ECDSA_WITH_SHA256 = sequence(object("2a8648ce3d040302"));
const COMMON_NAME = object("550403");
const BASIC_CONSTRAINTS = object("551d13");
const ALTERNATIVE_NAMES = object("551d11");
const EXTENDED_KEY_USAGE = object("551d25");
const SERVER_AUTH = object("2b06010505070301");
const CLIENT_AUTH = object("2b06010505070302");

function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  if (length < 128) return Buffer.concat([Buffer.of(tag, length), content]);
  if (length < 256) return Buffer.concat([Buffer.of(tag, 0x81, length), content]);
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 255), content]);
}

function sequence(...contents: readonly Uint8Array[]): Buffer {
  return der(0x30, ...contents);
}

function object(hex: string): Buffer {
  return der(OBJECT, Buffer.from(hex, "hex"));
}

function bits(bytes: Uint8Array): Buffer {
  return der(BIT_STRING, Buffer.of(0), bytes);
}

function commonName(name: string): Buffer {
  return sequence(der(0x31, sequence(COMMON_NAME, der(UTF8_STRING, Buffer.from(name)))));
}

function extension(id: Buffer, value: Buffer): Buffer {
  return sequence(id, der(OCTET_STRING, value));
}

function generalName(host: string | Buffer): Buffer {
  if (typeof host !== "string") return host;
  if (host.includes(":")) return der(0x86, Buffer.from(host));
  const isAddress = /^[\d.]+$/.test(host);
  return isAddress
    ? der(0x87, Buffer.from(host.split(".").map(Number)))
    : der(0x82, Buffer.from(host));
}

// YYMMDDHHMMSSZ.
function time(atMs: number): Buffer {
  const digits = new Date(atMs).toISOString().replaceAll(/\D/g, "");
  return der(UTC_TIME, Buffer.from(`${digits.slice(2, 14)}Z`));
}
