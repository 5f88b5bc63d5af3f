// Presence within the test: the real replica and service, on sockets of 127.0.0.1 and a folder that
// is taken away again; or, where no socket and no disk matters, in memory.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Journal, Store } from "@compendium/crdt-sync";
import { MemoryNetwork } from "@compendium/crdt-sync/memory";
import { freePorts } from "../src/free-ports.ts";
import { createPresence, openReplica } from "../src/presence.ts";
import { type PresenceOptions, PresenceReplica } from "../src/presence-replica.ts";
import { x6Scenario } from "../src/x6-scenario.ts";
import { serve } from "./in-process.ts";

/** A region that was started. */
export interface InProcessPresence extends AsyncDisposable {
  readonly url: URL;
  readonly replica: PresenceReplica;
}

/** Regions on this machine, whose disks outlive them. */
export class InProcessRegions implements Disposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), "shownotes-test-"));
  readonly #peers: Readonly<Record<string, string>>;

  private constructor(peers: Readonly<Record<string, string>>) {
    this.#peers = peers;
  }

  static async of(...names: string[]): Promise<InProcessRegions> {
    const ports = await freePorts(names.length);
    const addresses = names.map((name, at) => [name, `127.0.0.1:${ports[at]}`]);
    return new InProcessRegions(Object.fromEntries(addresses));
  }

  /** Starts one of them. */
  async start(region: string): Promise<InProcessPresence> {
    const folder = join(this.folder, region);
    const replica = await openReplica({ region, peers: this.#peers, folder, column: true });
    const service = await serve(createPresence(replica));
    return {
      url: service.url,
      replica,
      [Symbol.asyncDispose]: async () => {
        await service.stop();
        await replica.close();
      },
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** A store that forgets everything; while `full` is set, its disk is full. */
export class MemoryStore implements Store {
  full = false;

  async open(): Promise<Journal> {
    const write = async () => {
      if (this.full) throw new Error("no space left on device");
    };
    const close = async () => {};
    const journal = { found: [], bytes: 0, append: write, replace: write, close };
    return { ...journal, [Symbol.asyncDispose]: close };
  }
}

/** A replica in memory, alone. */
export function openAlone(options: Partial<PresenceOptions> = {}): Promise<PresenceReplica> {
  const { sync, cursorMs } = x6Scenario;
  const [transport, store] = [new MemoryNetwork(), new MemoryStore()];
  const alone = { region: "eu", peers: { eu: "eu" }, transport, store, sync, cursorMs };
  return PresenceReplica.open({ ...alone, ...options }, "eu");
}
