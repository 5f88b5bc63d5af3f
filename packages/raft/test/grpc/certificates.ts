// Authorities and certificates for tests, made by openssl in a folder that goes away.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { requireOrSkip } from "@compendium/metrics/testing";
import type { GrpcCertificates } from "@compendium/raft/grpc";
import type { TestContext } from "vitest";

/** Skips a test on a machine without openssl. */
export function requireOpenssl(context: TestContext): void {
  const present = spawnSync("openssl", ["version"]).status === 0;
  requireOrSkip(context, { name: "openssl", present, how: "apt-get install openssl" });
}

/** An authority that signs members' certificates. */
export class Authority implements Disposable {
  readonly #folder = mkdtempSync(path.join(tmpdir(), "raft-grpc-ca-"));
  readonly ca: string;
  #members = 0;

  constructor(name: string) {
    const subject = ["-subj", `/CN=${name}`, "-days", "2"];
    this.#openssl("req", "-x509", ...newKey("ca.key"), ...subject, "-out", "ca.pem");
    this.ca = this.#read("ca.pem");
  }

  /** A certificate for both ends, with that common name, for localhost and 127.0.0.1. */
  member(name: string, names = "DNS:localhost,IP:127.0.0.1"): GrpcCertificates {
    const file = `member-${this.#members++}`;
    const subject = ["-subj", `/CN=${name}`];
    this.#openssl("req", ...newKey(`${file}.key`), ...subject, "-out", `${file}.csr`);
    writeFileSync(
      path.join(this.#folder, `${file}.ext`),
      `subjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth\n`,
    );
    const by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1"];
    const request = ["-in", `${file}.csr`, "-extfile", `${file}.ext`, "-out", `${file}.pem`];
    this.#openssl("x509", "-req", ...request, ...by);
    return { certificate: this.#read(`${file}.pem`), key: this.#read(`${file}.key`), ca: this.ca };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #openssl(...args: string[]): void {
    execFileSync("openssl", args, { cwd: this.#folder, stdio: "pipe" });
  }

  #read(name: string): string {
    return readFileSync(path.join(this.#folder, name), "utf8");
  }
}

function newKey(file: string): string[] {
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
  return [...curve, "-nodes", "-keyout", file];
}
