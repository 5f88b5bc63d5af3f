// Members that talk at random while the world is hostile. Each message is numbered, so that what
// arrives is known: never twice, never altered, entries never out of order on the way of one
// sender's life to one receiver; and of each snapshot its sender is told once.
import assert from "node:assert/strict";
import { type Message, message } from "@compendium/raft";
import type { FaultKind, Invariants, Run, Scenario, World } from "@compendium/simulation";
import type { PeerReceiver } from "../../src/net/peer-network.ts";
import { append, expectSame, type Subject, snapshot } from "./world.ts";

const IDS = [1, 2, 3];
const KINDS: readonly FaultKind[] = [
  "crash",
  "crashAtEffect",
  "blackout",
  "pause",
  "partition",
  "slowLink",
  "weather",
  "clockRate",
  "clockStep",
];

/** Members that talk. */
export function talkScenario(subject: Subject): Scenario {
  const nodes = IDS.map((id) => `n${id}`);
  return {
    nodes,
    node: (world) => new Talker(subject, world).run(),
    invariants: (run) => new TalkInvariants(run),
    faults: { kinds: KINDS, lastsUsMax: 1_500_000 },
    phases: { safetyMs: 3_000, livenessMs: 10_000 },
  };
}

// What a message carries beyond itself: who sent it in which life, and its number.
interface Mark {
  readonly life: string;
  readonly number: number;
}

class Talker implements PeerReceiver {
  readonly #world: World;
  readonly #id: number;
  readonly #links: InstanceType<Subject["PeerLinks"]>;
  readonly #life: string;
  #number = 0;
  #isSending = false;

  constructor(subject: Subject, world: World) {
    this.#world = world;
    this.#id = Number(world.name.slice(1));
    this.#life = `${world.name}.${world.incarnation}`;
    const { transport, clock, random } = world;
    this.#links = new subject.PeerLinks({
      transport,
      clock,
      random,
      group: "talkers",
      address: `${world.name}:peers`,
      silenceMs: 400,
      connectTimeoutMs: 200,
      backoffMaxMs: 200,
      windowBytes: 2 ** 17,
      chunkBytes: 2 ** 13,
      bulkBytesMax: 2 ** 19,
      partialSnapshotKeepMs: 2_000,
    });
  }

  async run(): Promise<void> {
    this.#links.setPeers(new Map(IDS.map((id) => [id, `n${id}:peers`])));
    await this.#links.start({ id: this.#id, diskId: this.#id }, this);
    this.#talk();
  }

  #talk(): void {
    const { random, clock } = this.#world;
    const others = IDS.filter((id) => id !== this.#id);
    const to = others[random.below(others.length)] as number;
    const messages: Message[] = [];
    for (let count = random.below(4); count >= 0; count--) messages.push(this.#make(to));
    this.#isSending = true;
    this.#links.send(messages);
    this.#isSending = false;
    clock.setTimer(clock.now() + 1 + random.below(25), () => this.#talk());
  }

  #make(to: number): Message {
    const { random } = this.#world;
    const number = ++this.#number;
    const mark = { life: this.#life, number };
    const context = new TextEncoder().encode(JSON.stringify(mark));
    const draw = random.below(40);
    if (draw === 0) {
      this.#world.record("offers", { to, number });
      return { ...snapshot(this.#id, to, number, random.below(2 ** 17)), context };
    }
    if (draw < 14) return { ...append(this.#id, to, number, random.below(2 ** 14)), context };
    return { ...message("heartbeat", to, this.#id, 1), context };
  }

  receive(message: Message): void {
    assert.ok(!this.#isSending);
    assert.equal(message.to, this.#id);
    const mark = JSON.parse(new TextDecoder().decode(message.context)) as Mark;
    if (message.type === "append") {
      const length = message.entries[0]?.data.length ?? 0;
      expectSame(
        { ...message, context: undefined },
        append(message.from, this.#id, mark.number, length),
      );
    }
    if (message.snapshot !== undefined) {
      const { length } = message.snapshot.data;
      const whole = snapshot(message.from, this.#id, mark.number, length);
      expectSame(message.snapshot, whole.snapshot);
    }
    this.#world.record("received", { ...mark, type: message.type, from: message.from });
  }

  unreachable(): void {
    assert.ok(!this.#isSending);
  }

  snapshotSettled(id: number, delivered: boolean): void {
    assert.ok(!this.#isSending);
    this.#world.record("settled", { to: id, delivered });
  }

  admit(): undefined {}

  refused(id: number, reason: string): void {
    throw new Error(`${id} refuses: ${reason}`);
  }
}

interface Received extends Mark {
  readonly type: string;
  readonly from: number;
}

class TalkInvariants implements Invariants {
  readonly #run: Run;
  readonly #seen = new Set<string>();
  readonly #lastAppend = new Map<string, number>();
  // Per life: snapshots that were offered to a member and are not settled yet.
  readonly #open = new Map<string, number>();
  readonly #heardUs = new Map<string, number>();

  constructor(run: Run) {
    this.#run = run;
  }

  observe({ node, incarnation, event, data, us }: Parameters<Required<Invariants>["observe"]>[0]) {
    const life = `${node}.${incarnation}`;
    if (event === "received") this.#received(node, life, data as Received, us);
    const { to } = data as { to: number };
    const way = `${life} to ${to}`;
    const open = this.#open.get(way) ?? 0;
    if (event === "offers") this.#open.set(way, open + 1);
    if (event !== "settled") return;
    assert.ok(open > 0, `${way}: a snapshot was settled that was never sent, or twice`);
    this.#open.set(way, open - 1);
  }

  #received(node: string, receiver: string, { life, number, type, from }: Received, us: number) {
    this.#heardUs.set(`${from} to ${node}`, us);
    // Who has died with a snapshot in its hands gets it again in its next life.
    const name = type === "snapshot" ? `${life}.${number} at ${receiver}` : `${life}.${number}`;
    assert.ok(!this.#seen.has(name), `${name} arrived twice`);
    this.#seen.add(name);
    if (type !== "append") return;
    const way = `${life} to ${receiver}`;
    const last = this.#lastAppend.get(way) ?? 0;
    assert.ok(number > last, `${way}: ${number} came after ${last}`);
    this.#lastAppend.set(way, number);
  }

  /** All hear all again, within the last 150 ms. */
  live(): boolean {
    const sinceUs = this.#run.nowUs() - 150_000;
    return IDS.every((from) =>
      IDS.every((to) => from === to || (this.#heardUs.get(`${from} to n${to}`) ?? 0) > sinceUs),
    );
  }
}
