// The files of one TLS context, and what they said when they last made sense together. Files that
// belong together are written one after the other, and whoever reads in between sees a certificate
// with another's key: that is not taken, and the last that was sound stays, until what is there is
// sound again.
//
// A generation is one content. It never changes; those who hold one go on with it, and whoever
// begins anew asks for the current one.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { CertificateFiles } from "../config/listener-config.ts";
import { PEM_BYTES_MAX, readCertificates, readPrivateKey } from "./pem.ts";

/** Files that are used together. */
export interface SecretFiles {
  readonly certificates: readonly CertificateFiles[];
  readonly caFile: string | undefined;
}

/** What is in them, in PEM. */
export interface SecretContent {
  readonly certificates: readonly { readonly certificate: Buffer; readonly key: Buffer }[];
  readonly ca: Buffer | undefined;
}

/** What became of a look at the files. */
export type SecretChange = "same" | "taken" | "refused";

/** The files of one TLS context. */
export class Secret {
  readonly files: SecretFiles;
  #current: SecretContent;
  /** What was last looked at and refused: nobody is told of it twice. */
  #refused: SecretContent | string | undefined;

  /** @throws Error naming the file, when one is missing, or the content makes no sense */
  constructor(files: SecretFiles) {
    this.files = files;
    const read = filesOf(files).map((name) => said(name, () => readFileSync(name)));
    this.#current = checked(files, read);
  }

  /** The same object until the content changes. */
  get current(): SecretContent {
    return this.#current;
  }

  /**
   * Looks at the files again; a content that makes no sense changes nothing.
   *
   * @param onRefused is told why, once for each content
   */
  async refresh(onRefused: (why: string) => void): Promise<SecretChange> {
    const names = filesOf(this.files);
    const refuse = (as: SecretContent | string, error: unknown): SecretChange => {
      const isKnown =
        this.#refused !== undefined &&
        (typeof as === "string" || typeof this.#refused === "string"
          ? as === this.#refused
          : isSame(as, this.#refused));
      this.#refused = as;
      if (isKnown) return "same";
      onRefused((error as Error).message);
      return "refused";
    };
    let read: Buffer[];
    try {
      read = await Promise.all(names.map(readNamed));
    } catch (error) {
      return refuse((error as Error).message, error);
    }
    const content = assembled(this.files, read);
    if (isSame(content, this.#current)) {
      this.#refused = undefined;
      return "same";
    }
    try {
      this.#current = checked(this.files, read);
    } catch (error) {
      return refuse(content, error);
    }
    this.#refused = undefined;
    return "taken";
  }
}

/** Names of all the files. */
export function filesOf({ certificates, caFile }: SecretFiles): string[] {
  const pairs = certificates.flatMap(({ certificateFile, keyFile }) => [certificateFile, keyFile]);
  return caFile === undefined ? pairs : [...pairs, caFile];
}

async function readNamed(name: string): Promise<Buffer> {
  const read = await readFile(name).catch((error: unknown) => error as Error);
  return said(name, () => {
    if (read instanceof Error) throw read;
    return read;
  });
}

function assembled({ certificates, caFile }: SecretFiles, read: readonly Buffer[]): SecretContent {
  return {
    certificates: certificates.map((_, i) => ({
      certificate: read[i * 2]!,
      key: read[i * 2 + 1]!,
    })),
    ca: caFile === undefined ? undefined : read.at(-1),
  };
}

function checked(files: SecretFiles, read: readonly Buffer[]): SecretContent {
  const kinds = new Set<string>();
  for (const [i, { certificateFile, keyFile }] of files.certificates.entries()) {
    const [leaf] = said(certificateFile, () => readCertificates(bounded(read[i * 2]!)));
    const key = said(keyFile, () => readPrivateKey(bounded(read[i * 2 + 1]!)));
    if (!leaf!.checkPrivateKey(key)) {
      throw new Error(`${keyFile} is not the key of the certificate in ${certificateFile}`);
    }
    // Of two with one kind of key the library would use the last, for every name.
    const kind = key.asymmetricKeyType ?? "";
    if (kinds.has(kind)) {
      throw new Error(`${certificateFile} is a second certificate with a key of kind ${kind}`);
    }
    kinds.add(kind);
  }
  const { caFile } = files;
  if (caFile !== undefined) said(caFile, () => readCertificates(bounded(read.at(-1)!)));
  return assembled(files, read);
}

function bounded(content: Buffer): Buffer {
  if (content.length <= PEM_BYTES_MAX) return content;
  throw new Error(`is ${content.length} bytes long, at most ${PEM_BYTES_MAX}`);
}

function said<T>(name: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
  }
}

function isSame(a: SecretContent, b: SecretContent): boolean {
  const isSameCa = a.ca === b.ca || (a.ca !== undefined && b.ca?.equals(a.ca) === true);
  return (
    isSameCa &&
    a.certificates.every(({ certificate, key }, i) => {
      const other = b.certificates[i]!;
      return certificate.equals(other.certificate) && key.equals(other.key);
    })
  );
}
