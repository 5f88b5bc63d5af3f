// A group whose every effect is done by hand: who works, what is delivered, what is lost. For
// scenes of a few steps; `cluster.ts` is for thousands.
import assert from "node:assert/strict";
import type {
  ConfChange,
  ConfState,
  Entry,
  MemoryStorage,
  Message,
  RaftOptions,
  RawNode,
  ReadState,
} from "@compendium/raft";
import type { Subject } from "./cluster.ts";

/** One node on the bench. */
export interface Member {
  readonly id: number;
  readonly storage: MemoryStorage;
  node: RawNode;
  readonly applied: string[];
  readonly reads: ReadState[];
}

type Options = Partial<Omit<RaftOptions, "id" | "storage">>;

export const ELECTION_TICKS = 10;

/** A few nodes, their disks, and the messages between them. */
export class Lab {
  readonly subject: Subject;
  readonly members = new Map<number, Member>();
  readonly #options: Options;
  /** What is on its way, in the order in which it was sent. */
  sent: Message[] = [];

  constructor(subject: Subject, voters: readonly number[], options: Options = {}) {
    this.subject = subject;
    this.#options = options;
    const confState = { ...subject.EMPTY_CONF_STATE, voters };
    for (const id of voters) this.add(id, confState);
  }

  /** A node that begins with that membership, or knows nothing. */
  add(
    id: number,
    confState?: ConfState,
    log: readonly [index: number, term: number][] = [],
  ): Member {
    const { subject } = this;
    const storage: MemoryStorage = new subject.MemoryStorage();
    const data = subject.NO_BYTES;
    if (confState !== undefined) storage.applySnapshot({ index: 1, term: 1, confState, data });
    storage.append(log.map(([index, term]) => entry(index, term)));
    const term = log.at(-1)?.[1] ?? 0;
    storage.setHardState({ term, vote: 0, commit: confState === undefined ? 0 : 1 });
    const member = { id, storage, node: this.#start(id, storage), applied: [], reads: [] };
    this.members.set(id, member);
    return member;
  }

  #start(id: number, storage: MemoryStorage): RawNode {
    const random = { below: (n: number) => id % n };
    const ticks = { electionTicks: ELECTION_TICKS, heartbeatTicks: 1 };
    return new this.subject.RawNode({ random, ...ticks, ...this.#options, id, storage });
  }

  member(id: number): Member {
    const member = this.members.get(id);
    assert.ok(member !== undefined, `there is no node ${id}`);
    return member;
  }

  node(id: number): RawNode {
    return this.member(id).node;
  }

  core(id: number): ReturnType<Subject["coreOf"]> {
    return this.subject.coreOf(this.node(id));
  }

  /** Loses everything that was not synced. */
  crash(id: number): void {
    const member = this.member(id);
    member.applied.length = 0;
    member.node = this.#start(id, member.storage);
  }

  tick(id: number, ticks = 1): void {
    for (let passed = 0; passed < ticks; passed++) this.node(id).tick();
  }

  /** Does what a node asks for, all of it, and puts its messages on their way. */
  work(id: number): void {
    const member = this.member(id);
    const { node, storage } = member;
    while (node.hasReady) {
      const ready = node.ready();
      this.sent.push(...ready.messages);
      if (ready.snapshot !== undefined) storage.applySnapshot(ready.snapshot);
      if (ready.hardState !== undefined) storage.setHardState(ready.hardState);
      storage.append(ready.entries);
      this.sent.push(...ready.promises);
      for (const { type, data } of ready.committedEntries) {
        if (type === "normal") member.applied.push(new TextDecoder().decode(data));
        else node.applyConfChange(this.subject.decodeConfChange(data));
      }
      member.reads.push(...ready.readStates);
      node.advance();
    }
  }

  /** Delivers what is on its way and chosen; the rest stays. */
  deliver(chosen: (message: Message) => boolean = () => true): void {
    const { sent } = this;
    this.sent = sent.filter((message) => !chosen(message));
    for (const message of sent) {
      if (chosen(message)) this.members.get(message.to)?.node.step(message);
    }
  }

  /** Loses what is on its way and chosen. */
  lose(chosen: (message: Message) => boolean = () => true): void {
    this.sent = this.sent.filter((message) => !chosen(message));
  }

  /** Works and delivers among those nodes until nothing is left to do; the others are cut off. */
  settle(ids: readonly number[] = [...this.members.keys()]): void {
    const within = ({ from, to }: Message) => ids.includes(from) && ids.includes(to);
    for (let round = 0; round < 100; round++) {
      for (const id of ids) this.work(id);
      this.lose(({ to }) => !ids.includes(to));
      if (!this.sent.some(within)) return;
      this.deliver(within);
    }
    assert.fail("the group does not come to rest");
  }

  /** Makes that node leader of all, or of those. */
  elect(id: number, ids: readonly number[] = [...this.members.keys()]): void {
    this.node(id).campaign();
    this.settle(ids);
    assert.equal(this.core(id).role, "leader", `${id} was not elected`);
  }

  propose(id: number, text: string): ReturnType<RawNode["propose"]> {
    return this.node(id).propose(bytes(text));
  }

  change(
    id: number,
    changes: ConfChange["changes"],
    transition: ConfChange["transition"] = "auto",
  ) {
    return this.node(id).proposeConfChange({ transition, changes, context: this.subject.NO_BYTES });
  }

  /** A message as another node would send it. */
  message(type: Message["type"], from: number, to: number, fields: Partial<Message>): Message {
    return { ...this.subject.message(type, to, from, this.core(to).term), ...fields };
  }
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export function entry(index: number, term: number, text = `${term}/${index}`): Entry {
  return { index, term, type: "normal", data: bytes(text) };
}
