// What the registry's members agree on: who may write to which document, and who has which paid
// seat. Commands change it, in the order of the log, the same way on every member.
//
// A lease names its holder and an epoch. Epochs are numbers of the group's revision, which counts
// changes: whoever gets a document later has the higher epoch, also after the lease was forgotten,
// and what still comes under a lower one can be refused (a fencing token: Kleppmann, "How to do
// distributed locking", 2016; Chubby's sequencer, Burrows 2006).
//
// Time is part of the log: each command carries what its leader's clock said (log-time.ts), and a
// lease ends when a command comes whose time is past it. No member asks a clock of its own in here,
// or two members would disagree about who holds what.
//
// Everything has a bound, and at the bound the answer is "full".
import {
  type Charged,
  type RegistryAnswer,
  type RegistryCommand,
  readCommand,
  type WhyRefused,
} from "./registry-commands.ts";

const LEASES_MAX = 10_000;
const WORKSPACES_MAX = 10_000;
const CHARGES_MAX = 1_000;
const SEATS_MAX = 10_000;

/** A document that somebody may write to. */
export interface Lease {
  readonly holder: string;
  readonly epoch: number;
  /** On the log's time. */
  readonly expiresMs: number;
}

/** The seats of a workspace. */
export interface Seats {
  paid: number;
  /** Charges that have been counted. Each is, once, however often it is told. */
  readonly charges: Set<string>;
  // Invariant: at most `paid` people.
  readonly people: Set<string>;
}

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** A command, with its leader's time, as it lies in the log. */
export function encodeCommand(command: RegistryCommand, atMs: number): Uint8Array {
  return utf8.encode(JSON.stringify({ atMs, command }));
}

/** What was made of it. */
export function decodeAnswer(result: Uint8Array): RegistryAnswer {
  return JSON.parse(text.decode(result)) as RegistryAnswer;
}

/** The replicated state. */
export class RegistryState {
  // Invariant: leases have not ended at #timeMs, or nobody has needed their room yet.
  readonly #leases = new Map<string, Lease>();
  readonly #workspaces = new Map<string, Seats>();
  #revision = 0;
  #timeMs = 0;

  /** How many changes there have been. */
  get revision(): number {
    return this.#revision;
  }

  /** The time of the log. It never goes back. */
  get timeMs(): number {
    return this.#timeMs;
  }

  /** How much there is. */
  stats(): { leases: number; workspaces: number; seatsPaid: number; seatsTaken: number } {
    const workspaces = [...this.#workspaces.values()];
    return {
      leases: this.#leases.size,
      workspaces: workspaces.length,
      seatsPaid: workspaces.reduce((sum, { paid }) => sum + paid, 0),
      seatsTaken: workspaces.reduce((sum, { people }) => sum + people.size, 0),
    };
  }

  /** Who may write to a document at the time of the log. */
  lease(document: string): Lease | undefined {
    const lease = this.#leases.get(document);
    return lease === undefined || lease.expiresMs <= this.#timeMs ? undefined : lease;
  }

  /** Who sits in a workspace. */
  seats(workspace: string): { paid: number; people: string[] } {
    const { paid = 0, people = [] } = this.#workspaces.get(workspace) ?? {};
    return { paid, people: [...people].sort() };
  }

  /** Carries out what {@link encodeCommand} wrote. */
  apply(entry: Uint8Array): Uint8Array {
    const { atMs, command } = JSON.parse(text.decode(entry)) as { atMs: number; command: unknown };
    // A new leader's clock may be behind the last one's; the log's is not.
    this.#timeMs = Math.max(this.#timeMs, atMs);
    return utf8.encode(JSON.stringify(this.#run(readCommand(command))));
  }

  #run(command: RegistryCommand): RegistryAnswer {
    switch (command.do) {
      case "acquire":
        return this.#acquire(command);
      case "renew":
      case "release":
        return this.#keep(command);
      case "pay":
        return this.#pay(command);
      case "take":
      case "free":
        return this.#sit(command);
    }
  }

  // Whoever holds it already and asks again gets a new epoch: it may be the same name in a new
  // life, and what its last life still sends is then refused as well.
  #acquire({ document, holder, ttlMs }: RegistryCommand & { do: "acquire" }): RegistryAnswer {
    const held = this.lease(document);
    if (held !== undefined && held.holder !== holder) return this.#refuse("held", { ...held });
    if (held === undefined && !this.#hasRoom()) return this.#refuse("full", {});
    const lease = { holder, epoch: ++this.#revision, expiresMs: this.#timeMs + ttlMs };
    this.#leases.set(document, lease);
    return this.#changed(lease);
  }

  #keep(command: RegistryCommand & { do: "renew" | "release" }): RegistryAnswer {
    const { document, epoch } = command;
    const held = this.lease(document);
    if (held === undefined || held.epoch !== epoch) return this.#refuse("stale", { ...held });
    this.#revision++;
    if (command.do === "release") {
      this.#leases.delete(document);
      return this.#changed({});
    }
    const lease = { ...held, expiresMs: this.#timeMs + command.ttlMs };
    this.#leases.set(document, lease);
    return this.#changed(lease);
  }

  #pay({ workspace, charge, seats }: RegistryCommand & { do: "pay" }): RegistryAnswer {
    const known = this.#workspaces.get(workspace);
    if (known === undefined && this.#workspaces.size >= WORKSPACES_MAX) {
      return this.#refuse("full", {});
    }
    const { paid, charges, people } = known ?? { paid: 0, charges: new Set(), people: new Set() };
    const counts = { paid, taken: people.size };
    if (charges.has(charge))
      return { ok: true, changed: false, revision: this.#revision, ...counts };
    if (charges.size >= CHARGES_MAX || paid + seats > SEATS_MAX) {
      return this.#refuse("full", counts);
    }
    charges.add(charge);
    this.#workspaces.set(workspace, { paid: paid + seats, charges, people });
    this.#revision++;
    return this.#changed({ paid: paid + seats, taken: people.size });
  }

  #sit(command: RegistryCommand & { do: "take" | "free" }): RegistryAnswer {
    const { paid, people } = this.#workspaces.get(command.workspace) ?? {
      paid: 0,
      people: new Set<string>(),
    };
    const counts = () => ({ paid, taken: people.size });
    const isTaking = command.do === "take";
    if (people.has(command.person) === isTaking) {
      return { ok: true, changed: false, revision: this.#revision, ...counts() };
    }
    if (isTaking && people.size >= paid) return this.#refuse("unpaid", counts());
    if (isTaking) people.add(command.person);
    else people.delete(command.person);
    this.#revision++;
    return this.#changed(counts());
  }

  #changed(more: Charged): RegistryAnswer {
    return { ok: true, changed: true, revision: this.#revision, ...more };
  }

  #refuse(why: WhyRefused, more: Charged): RegistryAnswer {
    return { ok: false, changed: false, revision: this.#revision, why, ...more };
  }

  // Leases that have ended make room for others; their epochs stay behind all that come.
  #hasRoom(): boolean {
    if (this.#leases.size < LEASES_MAX) return true;
    for (const [document, { expiresMs }] of this.#leases) {
      if (expiresMs <= this.#timeMs) this.#leases.delete(document);
    }
    return this.#leases.size < LEASES_MAX;
  }

  /** All of it. */
  snapshot(): Uint8Array {
    const workspaces = [...this.#workspaces].map(([name, { paid, charges, people }]) => {
      return [name, { paid, charges: [...charges], people: [...people] }] as const;
    });
    const { revision, timeMs } = this;
    const stored: Stored = { revision, timeMs, leases: [...this.#leases], workspaces };
    return utf8.encode(JSON.stringify(stored));
  }

  /** Becomes what {@link snapshot} returned. */
  restore(snapshot: Uint8Array): void {
    const { revision, timeMs, leases, workspaces } = JSON.parse(text.decode(snapshot)) as Stored;
    this.#revision = revision;
    this.#timeMs = timeMs;
    this.#leases.clear();
    for (const [document, lease] of leases) this.#leases.set(document, lease);
    this.#workspaces.clear();
    for (const [name, { paid, charges, people }] of workspaces) {
      const seats = { paid, charges: new Set(charges), people: new Set(people) };
      this.#workspaces.set(name, seats);
    }
  }
}

interface Stored {
  revision: number;
  timeMs: number;
  leases: [string, Lease][];
  workspaces: (readonly [string, StoredSeats])[];
}

interface StoredSeats {
  paid: number;
  charges: readonly string[];
  people: readonly string[];
}
