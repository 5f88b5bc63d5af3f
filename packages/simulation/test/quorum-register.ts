// A register on three replicas (H. Attiya, A. Bar-Noy, D. Dolev, "Sharing Memory Robustly in
// Message-Passing Systems", JACM 1995), with one client: a write is done when two replicas have it
// on their disks, a read asks two and takes the newest. Small enough to be read at once, and large
// enough to be wrong in all the ways that matter here; each `bug` is one of them.
//
// A replica's file has two slots, each in a sector of its own, written in turn: a torn write spoils
// at most the one that was being replaced.

import { type OpenFile, RuntimeError } from "@compendium/runtime";
import type { FaultPlan, Invariants, Run, Scenario, World } from "@compendium/simulation";

/** What can be wrong with it. */
export type Bug =
  | "none"
  /** Says that a value is stored before it is synced. */
  | "acknowledges before sync"
  /** Does not sync the name of its file. */
  | "forgets the folder"
  /** Takes one replica for a majority. */
  | "counts one as a majority"
  /** Asks once, and never again. */
  | "does not resend";

const REPLICAS = ["r1", "r2", "r3"];
const SLOT_BYTES = 512;
const RESEND_MS = 100;

interface Request {
  readonly kind: "read" | "write";
  readonly id: number;
  readonly value: number;
}

interface Reply {
  readonly id: number;
  readonly value: number;
}

/** The register as a scenario. */
export function quorumRegister(bug: Bug = "none", faults: FaultPlan = {}): Scenario {
  return {
    nodes: REPLICAS,
    clients: ["client"],
    node: (world) => runReplica(world, bug),
    client: (world) => new Client(world, bug).next(),
    invariants: (run) => new RegisterInvariants(run),
    phases: { safetyMs: 500, livenessMs: 10_000 },
    faults: { lastsUsMax: 200_000, effectsMax: 128, ...faults },
  };
}

async function runReplica(world: World, bug: Bug): Promise<void> {
  try {
    const file = await openFile(world, bug);
    const replica = new Replica(world, bug, file);
    await replica.recover();
    world.expose(replica);
    world.datagrams.receive((message, from) => replica.answer(message as Request, from));
  } catch (error) {
    // A disk that failed: what is on it is read anew by another process.
    if (!(error instanceof RuntimeError)) throw error;
    world.exit(error.code);
  }
}

async function openFile({ files }: World, bug: Bug): Promise<OpenFile> {
  const file = await files.open("register", { create: "ifMissing" });
  if (bug !== "forgets the folder") await files.syncFolder("");
  return file;
}

class Replica {
  readonly #world: World;
  readonly #bug: Bug;
  readonly #file: OpenFile;
  // Invariant: whoever was told of a value finds it, or a later one, after any crash.
  value = 0;
  #newest = 0;
  #busy: Promise<void> = Promise.resolve();

  constructor(world: World, bug: Bug, file: OpenFile) {
    this.#world = world;
    this.#bug = bug;
    this.#file = file;
  }

  async recover(): Promise<void> {
    for (const slot of [0, 1]) {
      const bytes = new Uint8Array(SLOT_BYTES);
      await this.#file.read(bytes, slot * SLOT_BYTES);
      this.#newest = Math.max(this.#newest, decode(bytes));
    }
    // What was read may be in the cache only, and never reach the platter: written again, it does.
    await this.#store(this.#newest);
    this.value = this.#newest;
  }

  answer(request: Request, from: string): void {
    const { id, kind, value } = request;
    this.#busy = this.#busy
      .then(async () => {
        if (kind === "write" && value > this.#newest) {
          this.#newest = value;
          if (this.#bug === "acknowledges before sync") {
            this.value = value;
            this.#world.datagrams.send(from, { id, value });
          }
          await this.#store(value);
        }
        this.value = this.#newest;
        this.#world.datagrams.send(from, { id, value: this.value } satisfies Reply);
      })
      .catch((error: unknown) => {
        if (!(error instanceof RuntimeError)) throw error;
        this.#world.exit(error.code);
      });
  }

  async #store(value: number): Promise<void> {
    await this.#file.write(encode(value), (value % 2) * SLOT_BYTES);
    await this.#file.sync();
  }
}

// The value, and its complement at the other end: half of a slot is no slot.
function encode(value: number): Uint8Array {
  const bytes = new Uint8Array(SLOT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, value);
  view.setUint32(SLOT_BYTES - 4, ~value);
  return bytes;
}

function decode(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer);
  const value = view.getUint32(0);
  return view.getUint32(SLOT_BYTES - 4) === ~value >>> 0 ? value : 0;
}

/** Writes 1, 2, 3, … and reads in between, one operation at a time. */
class Client {
  readonly #world: World;
  readonly #bug: Bug;
  #id = 0;
  #written = 0;
  readonly #replies = new Map<string, number>();
  #request: Request | undefined;

  constructor(world: World, bug: Bug) {
    this.#world = world;
    this.#bug = bug;
    world.datagrams.receive((message, from) => this.#hear(message as Reply, from));
  }

  next(): void {
    const kind = this.#world.random.below(2) === 0 ? "read" : "write";
    this.#replies.clear();
    this.#request = { kind, id: ++this.#id, value: this.#written + 1 };
    this.#ask(this.#request);
  }

  #ask(request: Request): void {
    if (this.#request !== request) return;
    for (const replica of REPLICAS) this.#world.datagrams.send(replica, request);
    if (this.#bug === "does not resend") return;
    const { clock } = this.#world;
    clock.setTimer(clock.now() + RESEND_MS, () => this.#ask(request));
  }

  #hear({ id, value }: Reply, from: string): void {
    const request = this.#request;
    if (request === undefined || id !== request.id) return;
    this.#replies.set(from, value);
    if (this.#replies.size < (this.#bug === "counts one as a majority" ? 1 : 2)) return;
    this.#request = undefined;
    if (request.kind === "write") this.#written = request.value;
    const newest = Math.max(...this.#replies.values());
    this.#world.record(request.kind, request.kind === "write" ? request.value : newest);
    const pauseMs = 1 + this.#world.random.below(10);
    this.#world.clock.setTimer(this.#world.clock.now() + pauseMs, () => this.next());
  }
}

class RegisterInvariants implements Invariants {
  readonly #run: Run;
  #acknowledged = 0;
  #operations = 0;
  #liveAfter: number | undefined;

  constructor(run: Run) {
    this.#run = run;
  }

  observe({ node, event, data }: { node: string; event: string; data: unknown }): void {
    if (node !== "client") return;
    this.#operations++;
    if (event === "write") this.#acknowledged = data as number;
    else if ((data as number) < this.#acknowledged) {
      throw new Error(`read ${data} after ${this.#acknowledged} was acknowledged`);
    }
  }

  live(): boolean {
    this.#liveAfter ??= this.#operations + 20;
    return this.#operations >= this.#liveAfter;
  }

  end(): void {
    const values = REPLICAS.map((name) => (this.#run.exposed(name) as Replica | undefined)?.value);
    const upToDate = values.filter((value) => (value ?? 0) >= this.#acknowledged);
    if (upToDate.length >= 2) return;
    throw new Error(`${this.#acknowledged} was acknowledged, and the replicas have ${values}`);
  }
}
