// A group in one process and virtual time, under a seeded adversary: messages are lost, doubled and
// reordered, links are cut, disks are slow, nodes crash between any two effects and come back with
// what they had synced. `verdict.ts` looks over its shoulder after every step.
//
// Left out, for the simulator of its own package: clocks that drift, disks that lie, torn writes.
import type {
  Change,
  ConfChange,
  ConfState,
  Entry,
  MemoryStorage,
  Message,
  RaftOptions,
  RawNode,
  Ready,
  Transition,
} from "@compendium/raft";
import { SeededRandom } from "@compendium/runtime";
import type { coreOf } from "../src/core/raw-node.ts";
import { Verdict } from "./verdict.ts";

/** The package under test: the real one, or one with a planted bug. */
export type Subject = typeof import("@compendium/raft") & { readonly coreOf: typeof coreOf };

/** A member and all that surrounds it. */
export interface Peer {
  readonly id: number;
  readonly storage: MemoryStorage;
  /** Undefined while it is down. */
  node: RawNode | undefined;
  appendWork: Message[];
  applyWork: Message[];
  /** How far this life of the application has applied, and the membership there. */
  applied: number;
  confState: ConfState;
}

/** What a seed decides once. */
interface Plan {
  readonly ids: readonly number[];
  readonly options: Omit<RaftOptions, "id" | "storage" | "random">;
  readonly changesMembers: boolean;
  readonly loss: number;
  /** How often a disk that is due is put off, in percent. */
  readonly slowness: number;
  /** How often members change, where they do: one of so many meddlings. */
  readonly restless: number;
}

const ELECTION_TICKS = 6;
const IN_FLIGHT_MAX = 300;

/** The group and its adversary. */
export class Cluster {
  readonly subject: Subject;
  readonly random: SeededRandom;
  readonly peers: Peer[] = [];
  readonly verdict: Verdict;
  readonly #plan: Plan;
  #network: Message[] = [];
  readonly #cut = new Set<string>();
  #calm = false;
  #proposals = 0;

  constructor(subject: Subject, seed: number) {
    this.subject = subject;
    this.random = new SeededRandom(seed);
    this.verdict = new Verdict(subject, this.peers);
    this.#plan = this.#draw();
    const { ids } = this.#plan;
    const confState = { ...subject.EMPTY_CONF_STATE, voters: ids };
    const spare = this.#plan.changesMembers ? 2 : 0;
    for (let id = 1; id <= ids.length + spare; id++) {
      const storage: MemoryStorage = new subject.MemoryStorage();
      const plain = storage.snapshot.bind(storage);
      // Whoever was added after the last snapshot needs a newer one.
      storage.snapshot = (member?: number) => {
        const peer = this.peers[id - 1];
        if (member === undefined || peer === undefined || peer.applied <= plain().index) {
          return plain();
        }
        return storage.createSnapshot(peer.applied, peer.confState, subject.NO_BYTES);
      };
      if (id <= ids.length) {
        storage.applySnapshot({ index: 1, term: 1, confState, data: subject.NO_BYTES });
      }
      const idle = { node: undefined, appendWork: [], applyWork: [] };
      this.peers.push({ id, storage, ...idle, applied: 0, confState });
      this.restart(this.peers.at(-1) as Peer);
    }
  }

  #draw(): Plan {
    const { random } = this;
    const chance = (percent: number) => random.below(100) < percent;
    const ids = chance(60) ? [1, 2, 3] : [1, 2, 3, 4, 5];
    const preVote = chance(40);
    const options = {
      electionTicks: ELECTION_TICKS,
      heartbeatTicks: 1,
      preVote,
      checkQuorum: chance(40),
      asyncStorageWrites: chance(50),
      stepDownOnRemoval: true,
      inflightMessagesMax: 1 + random.below(4),
      appendBytesMax: chance(50) ? 40 : 1_000,
      applyingBytesMax: chance(50) ? 60 : 1_000,
      uncommittedBytesMax: chance(30) ? 30 : 10_000,
    };
    const slowness = chance(40) ? 90 : 0;
    const restless = 1 + random.below(3);
    return { ids, options, changesMembers: chance(60), loss: random.below(12), slowness, restless };
  }

  /** One act of the adversary, and a look at what came of it. */
  step(): void {
    const { random } = this;
    const peer = this.peers[random.below(this.peers.length)] as Peer;
    const act = random.below(1_000);
    if (act < 470) this.#deliver();
    else if (act < 700) this.#work(peer);
    else if (act < 770) this.#appendThread(peer);
    else if (act < 830) this.#applyThread(peer);
    else if (act < 890) peer.node?.tick();
    else if (act < 950) this.#propose(peer);
    else if (act < 980) this.#meddle(peer);
    else if (act < 982) this.crash(peer);
    else if (act < 997) this.restart(this.peers.find(({ node }) => node === undefined) ?? peer);
    else this.#toggleLink();
    this.verdict.check();
  }

  /**
   * No more faults: everybody is up, every message arrives in order. Returns after how many ticks
   * all have applied a proposal made in the calm, which is to be few.
   */
  settle(ticksMax: number): number {
    this.#calm = true;
    this.#cut.clear();
    for (const peer of this.peers) this.restart(peer);
    let marked = 0;
    for (let ticks = 0; ticks < ticksMax; ticks++) {
      this.#drain();
      const leader = this.verdict.leader();
      if (leader !== undefined) {
        if (marked === 0 && leader.node?.propose(this.#command()) === undefined) {
          this.#drain();
          marked = this.subject.coreOf(leader.node as RawNode).log.lastIndex();
        }
        if (marked > 0 && this.#allApplied(leader, marked)) return ticks;
        // A proposal may be lost with its leader: look again, or make another.
        if (marked > 0 && this.subject.coreOf(leader.node as RawNode).log.lastIndex() < marked) {
          marked = 0;
        }
      }
      for (const { node } of this.peers) {
        node?.tick();
        // A transport says what became of a snapshot; its acknowledgement may have been lost.
        for (const { id, state } of node?.status().members ?? []) {
          if (state === "snapshot") node?.reportSnapshot(id, true);
        }
      }
    }
    return ticksMax;
  }

  #allApplied(leader: Peer, index: number): boolean {
    const members = leader.node?.status().members ?? [];
    return members.every(({ id }) => (this.peers[id - 1] as Peer).applied >= index);
  }

  #drain(): void {
    for (let busy = true; busy; ) {
      busy = false;
      for (const peer of this.peers) {
        while (peer.node?.hasReady === true || peer.appendWork.length + peer.applyWork.length > 0) {
          busy = true;
          if (peer.node?.hasReady === true) this.#work(peer);
          this.#appendThread(peer);
          this.#applyThread(peer);
        }
      }
      const sent = this.#network;
      this.#network = [];
      if (sent.length > 0) busy = true;
      for (const message of sent) this.peers[message.to - 1]?.node?.step(message);
      this.verdict.check();
    }
  }

  crash(peer: Peer): void {
    peer.node = undefined;
    peer.appendWork = [];
    peer.applyWork = [];
  }

  /** Starts a node from its disk; its application begins at the snapshot that lies there. */
  restart(peer: Peer): void {
    if (peer.node !== undefined) return;
    const { id, storage } = peer;
    const { options } = this.#plan;
    const snapshot = storage.snapshot();
    peer.applied = snapshot.index;
    peer.confState = snapshot.confState;
    peer.node = new this.subject.RawNode({ ...options, id, storage, random: this.random });
    this.verdict.restarted(peer);
  }

  #send(peer: Peer, messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.type === "storage-append") peer.appendWork.push(message);
      else if (message.type === "storage-apply") peer.applyWork.push(message);
      else this.#post(peer, message);
    }
  }

  #post(peer: Peer, message: Message): void {
    this.verdict.sent(peer, message);
    this.#network.push(message);
    if (this.#calm) return;
    if (this.#network.length > IN_FLIGHT_MAX) this.#take();
    if (this.random.below(40) === 0) this.#network.push(message);
  }

  // A random message: out of order, the last one in its place.
  #take(): Message | undefined {
    const at = this.random.below(Math.max(this.#network.length, 1));
    const message = this.#network[at];
    const last = this.#network.pop();
    if (message !== last && last !== undefined) this.#network[at] = last;
    return message;
  }

  #deliver(): void {
    const message = this.#take();
    if (message === undefined || this.#cut.has(`${message.from}-${message.to}`)) return;
    if (this.random.below(100) < this.#plan.loss) return;
    this.peers[message.to - 1]?.node?.step(message);
  }

  // Crashes at every point between two effects, once in a while.
  #survives(peer: Peer): boolean {
    if (this.#calm || this.random.below(400) > 0) return true;
    this.crash(peer);
    return false;
  }

  #work(peer: Peer): void {
    const { node, storage } = peer;
    if (node?.hasReady !== true) return;
    const ready: Ready = node.ready();
    this.#send(peer, ready.messages);
    this.verdict.answered(peer, ready.readStates);
    if (this.#plan.options.asyncStorageWrites === true || !this.#survives(peer)) return;
    if (ready.snapshot !== undefined) storage.applySnapshot(ready.snapshot);
    if (ready.hardState !== undefined) storage.setHardState(ready.hardState);
    storage.append(ready.entries);
    if (ready.snapshot !== undefined) this.#restore(peer);
    if (!this.#survives(peer)) return;
    this.#send(peer, ready.promises);
    if (!this.#survives(peer)) return;
    this.#apply(peer, ready.committedEntries);
    node.advance();
  }

  #restore(peer: Peer): void {
    const { index, confState } = peer.storage.snapshot();
    if (index <= peer.applied) return;
    peer.applied = index;
    peer.confState = confState;
  }

  #appendThread(peer: Peer): void {
    const { node, storage } = peer;
    if (!this.#calm && this.random.below(100) < this.#plan.slowness) return;
    const work = peer.appendWork.shift();
    if (work === undefined || node === undefined) return;
    const { term, vote, commit, entries, snapshot, responses } = work;
    if (snapshot !== undefined) storage.applySnapshot(snapshot);
    if (term > 0) storage.setHardState({ term, vote, commit });
    storage.append(entries);
    if (snapshot !== undefined) this.#restore(peer);
    if (!this.#survives(peer)) return;
    this.#respond(peer, node, responses);
  }

  #applyThread(peer: Peer): void {
    const { node } = peer;
    const work = peer.applyWork.shift();
    if (work === undefined || node === undefined) return;
    this.#apply(peer, work.entries);
    this.#respond(peer, node, work.responses);
  }

  #respond(peer: Peer, node: RawNode, responses: readonly Message[]): void {
    for (const response of responses) {
      if (response.to === peer.id) {
        this.verdict.sent(peer, response);
        node.step(response);
      } else {
        this.#post(peer, response);
      }
    }
  }

  #apply(peer: Peer, entries: readonly Entry[]): void {
    for (const entry of entries) {
      // A snapshot has overtaken the apply thread.
      if (this.#plan.options.asyncStorageWrites === true && entry.index <= peer.applied) continue;
      this.verdict.applied(peer, entry);
      peer.applied = entry.index;
      if (entry.type === "normal" || peer.node === undefined) continue;
      const change = this.subject.decodeConfChange(entry.data);
      peer.confState = peer.node.applyConfChange(change);
    }
  }

  #command(): Uint8Array {
    return new TextEncoder().encode(`command ${++this.#proposals}`);
  }

  #propose(peer: Peer): void {
    peer.node?.propose(this.#command());
  }

  // What operators and applications do besides: reads, snapshots, changes, transfers, reports.
  #meddle(peer: Peer): void {
    const { node, storage } = peer;
    const { random } = this;
    if (node === undefined) return;
    const other = 1 + random.below(this.peers.length);
    if (this.#plan.changesMembers && random.below(this.#plan.restless) === 0) {
      node.proposeConfChange(this.#change());
    }
    switch (random.below(8)) {
      case 0:
      case 1:
        node.readIndex(this.verdict.asked());
        break;
      case 2:
        if (peer.applied > storage.snapshot().index) {
          storage.createSnapshot(peer.applied, peer.confState, this.subject.NO_BYTES);
          const room = peer.applied - storage.firstIndex() + 1;
          if (room > 0) storage.compact(storage.firstIndex() - 1 + random.below(room + 1));
        }
        break;
      case 3:
      case 4:
        node.campaign();
        break;
      case 5:
        node.transferLeader(other);
        break;
      case 6:
        node.reportUnreachable(other);
        break;
      case 7:
        node.reportSnapshot(other, random.below(2) === 0);
        break;
    }
  }

  #change(): ConfChange {
    const { random } = this;
    const types: readonly Change["type"][] = ["add-voter", "add-voter", "add-learner", "remove"];
    const ways: readonly Transition[] = ["auto", "auto", "joint-implicit", "joint-explicit"];
    const changes = Array.from({ length: random.below(4) }, () => ({
      type: types[random.below(types.length)] as Change["type"],
      id: 1 + random.below(this.peers.length),
    }));
    const transition = changes.length === 0 ? "auto" : ways[random.below(ways.length)];
    return { transition: transition as Transition, changes, context: this.subject.NO_BYTES };
  }

  #toggleLink(): void {
    const { random } = this;
    if (random.below(3) === 0) {
      this.#cut.clear();
      return;
    }
    const from = 1 + random.below(this.peers.length);
    const isWhole = random.below(2) === 0;
    for (const { id } of this.peers) {
      if (id === from || random.below(2) === 0) continue;
      this.#cut.add(`${from}-${id}`);
      if (isWhole) this.#cut.add(`${id}-${from}`);
    }
  }
}
