// Two connections without links: what one has to say is handed to the other in whole turns, and
// turns, messages and bytes are counted.
import type { Text } from "@compendium/crdt";
import * as connectionModule from "../../src/core/connection.ts";
import * as documentModule from "../../src/core/document.ts";
import * as presenceModule from "../../src/core/presence.ts";
import * as replicatedModule from "../../src/replicated.ts";
import * as limitsModule from "../../src/wire/limits.ts";

/** The modules that are tested, or copies of them with a bug. */
export type Subject = typeof subject;

export const subject = {
  ...connectionModule,
  ...documentModule,
  ...presenceModule,
  ...replicatedModule,
  ...limitsModule,
};

export type Event = connectionModule.ConnectionEvent;

/** One side. */
export class Side {
  readonly events: Event[] = [];
  readonly documents = new Map<string, documentModule.SharedDocument>();
  readonly #subject: Subject;
  readonly #limits: limitsModule.Limits;
  readonly name: string;
  connection!: connectionModule.Connection;
  /** What its peer may have. */
  mayOpen: (document: string) => boolean = () => true;

  constructor(name: string, limits: Partial<limitsModule.Limits> = {}, tested: Subject = subject) {
    this.name = name;
    this.#subject = tested;
    this.#limits = tested.limitsFrom(limits);
    this.connect();
  }

  get session(): string {
    return Buffer.from(this.name.padEnd(8).slice(0, 8)).toString("hex");
  }

  /** A new link, and with it a new connection. */
  connect(): void {
    this.connection?.ended(0);
    this.connection = new this.#subject.Connection({
      name: this.name,
      session: this.session,
      limits: this.#limits,
      documents: this.documents,
      mayOpen: (document) => this.mayOpen(document),
      onEvent: (event) => this.events.push(event),
    });
  }

  open(
    name: string,
    value: replicatedModule.Replicable,
    { nonce = this.session, members = [] as string[] } = {},
  ): documentModule.SharedDocument {
    const presence = new this.#subject.PresenceTable(this.session, this.#limits, 30_000);
    const document = new this.#subject.SharedDocument({
      name,
      replicated: this.#subject.replicated(value),
      presence,
      members,
      nonce,
    });
    this.documents.set(name, document);
    return document;
  }

  /** All that it has to say now. */
  say(): Uint8Array[] {
    const messages: Uint8Array[] = [];
    for (let next = this.connection.take(); next; next = this.connection.take()) {
      messages.push(next.message);
    }
    return messages;
  }

  hear(messages: readonly Uint8Array[], nowMs = 0): void {
    for (const message of messages) this.connection.receive(message, nowMs);
  }
}

/** What an exchange took. */
export interface Exchange {
  /** Half round trips after which both had the same; undefined: never. */
  readonly halfTrips: number | undefined;
  /** Until nobody had anything to say any more. */
  readonly messages: number;
  readonly bytes: number;
}

/**
 * Lets both speak in turns until they are silent. Both speak at once, or only the first one begins
 * and the other answers.
 */
export function exchange(
  a: Side,
  b: Side,
  isSame: () => boolean,
  begin: "both" | "first" = "both",
): Exchange {
  let [halfTrips, messages, bytes] = [isSame() ? 0 : undefined, 0, 0] as [
    number | undefined,
    number,
    number,
  ];
  let [fromA, fromB] = [a.say(), begin === "both" ? b.say() : []];
  for (let turn = 1; fromA.length + fromB.length > 0; turn++) {
    if (turn > 50) throw new Error("they never stop talking");
    for (const message of [...fromA, ...fromB]) {
      messages++;
      bytes += message.length;
    }
    b.hear(fromA);
    a.hear(fromB);
    if (halfTrips === undefined && isSame()) halfTrips = turn;
    [fromA, fromB] = [a.say(), b.say()];
  }
  return { halfTrips, messages, bytes };
}

/** Types a text, in bursts at places of its own. */
export function type(text: Text, units: number): void {
  for (let i = 0; i < units; i += 10) {
    text.insert((i * 7_919) % (text.length + 1), "abcdefghij".slice(0, Math.min(10, units - i)));
  }
}
