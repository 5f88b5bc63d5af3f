// All certificates, keys and authorities of the running configuration: one `Secret` for each set of
// files, whoever uses it, kept up to date while the configuration is in force.
import type { Clock } from "@compendium/runtime";
import { type Problem, SidecarConfigError } from "../config/config-error.ts";
import type { DownstreamTlsConfig, UpstreamTlsConfig } from "../config/listener-config.ts";
import type { Snapshot } from "../config/snapshot.ts";
import { FileWatch } from "./file-watch.ts";
import { filesOf, Secret, type SecretFiles } from "./secret.ts";

/** How secrets are kept up to date. */
export interface SecretStoreOptions {
  readonly clock: Clock;
  /** After a sign of a change. Default: 100. */
  readonly settleMs?: number;
  /** Without one. Default: 30,000. */
  readonly pollMs?: number;
  /** Is told what was taken, and what was not and why. */
  readonly onNote?: (note: string) => void;
}

/** Plain numbers of a store. */
export interface SecretNumbers {
  /** New contents that are in use since. */
  rotations: number;
  /** New contents that made no sense, and are not in use. */
  refused: number;
}

/** The secrets of a configuration. */
export class SecretStore implements Disposable {
  readonly numbers: SecretNumbers = { rotations: 0, refused: 0 };
  readonly #onNote: (note: string) => void;
  readonly #watch: FileWatch;
  #secrets = new Map<string, Secret>();
  #refreshing: Promise<void> | undefined;
  #isStale = false;

  constructor(options: SecretStoreOptions) {
    const { clock, settleMs = 100, pollMs = 30_000, onNote = () => {} } = options;
    this.#onNote = onNote;
    const onChange = (): void => void this.refresh();
    this.#watch = new FileWatch({ clock, settleMs, pollMs, onChange });
  }

  /** How many there are. */
  get size(): number {
    return this.#secrets.size;
  }

  /**
   * Has the secrets that a configuration needs, or several that pass into each other, and no
   * others. Those that are here already are looked at again, in a moment.
   *
   * @throws SidecarConfigError when one cannot be had for the first time; nothing has changed then
   */
  use(...snapshots: readonly Snapshot[]): void {
    const next = new Map<string, Secret>();
    const problems: Problem[] = [];
    for (const { path, files } of snapshots.flatMap((one) => [...neededBy(one)])) {
      const key = keyOf(files);
      try {
        if (!next.has(key)) next.set(key, this.#secrets.get(key) ?? new Secret(files));
      } catch (error) {
        const message = (error as Error).message;
        problems.push({ path, message, next: "put it there, whole and readable by the proxy" });
      }
    }
    if (problems.length > 0) throw new SidecarConfigError(problems);
    const isRefreshNeeded = this.#secrets.size > 0;
    this.#secrets = next;
    this.#watch.set([...next.values()].flatMap(({ files }) => filesOf(files)));
    if (isRefreshNeeded) void this.refresh();
  }

  /** Those of the configuration that is used. */
  all(): Iterable<Secret> {
    return this.#secrets.values();
  }

  /**
   * A secret of the configuration that is used.
   *
   * @throws RangeError when that has none with these files
   */
  get(files: SecretFiles): Secret {
    const secret = this.#secrets.get(keyOf(files));
    if (secret === undefined) throw new RangeError(`no secret of ${filesOf(files).join(", ")}`);
    return secret;
  }

  /** Looks at all files again, and settles when whatever is there now is known. */
  refresh(): Promise<void> {
    this.#isStale = true;
    this.#refreshing ??= this.#refreshAll().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
    this.#secrets.clear();
  }

  // One at a time, so that what was read first is not put in the place of what was read last; a
  // sign in the meantime makes another round.
  async #refreshAll(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false;
      for (const secret of [...this.#secrets.values()]) {
        const change = await secret.refresh((why) => {
          this.#onNote(`a certificate is not replaced, the one before stays: ${why}`);
        });
        if (change === "refused") this.numbers.refused++;
        if (change !== "taken") continue;
        this.numbers.rotations++;
        this.#onNote(`replaced: ${filesOf(secret.files).join(", ")}`);
      }
    }
  }
}

/** The files of a context towards those who call. */
export function downstreamFiles(tls: DownstreamTlsConfig): SecretFiles {
  return { certificates: tls.certificates, caFile: tls.clientCaFile };
}

/** The files of a context towards a cluster. */
export function upstreamFiles({ certificate, caFile }: UpstreamTlsConfig): SecretFiles {
  return { certificates: certificate === undefined ? [] : [certificate], caFile };
}

function* neededBy({
  listeners,
  clusters,
}: Snapshot): Iterable<{ path: string; files: SecretFiles }> {
  for (const { name, filterChains } of listeners.values()) {
    for (const { tls } of filterChains) {
      if (tls !== undefined) yield { path: `listener ${name}`, files: downstreamFiles(tls) };
    }
  }
  for (const { name, tls } of clusters.values()) {
    if (tls !== undefined) yield { path: `cluster ${name}`, files: upstreamFiles(tls) };
  }
}

const keyOf = ({ certificates, caFile }: SecretFiles): string =>
  JSON.stringify([certificates.map((one) => [one.certificateFile, one.keyFile]), caFile ?? null]);
