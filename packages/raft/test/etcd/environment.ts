// A group of nodes in one process, worked by the commands of etcd's transcripts: nothing happens
// unless a command says so, and everything that happens is written down.

import type { ConfState, Message, Snapshot } from "@compendium/raft";
import { isStorageThread } from "../../src/core/message.ts";
import { coreOf } from "../../src/core/raw-node.ts";
import { describeMessage, describeReady, inOrder } from "./describe.ts";
import { levels } from "./log-lines.ts";
import {
  applyConfChangeEntry,
  type Level,
  type Member,
  type MemberOptions,
  newMember,
  processAppend,
} from "./member.ts";

export class Environment {
  readonly members: Member[] = [];
  messages: Message[] = [];
  level: Level = "DEBUG";
  #output = "";

  /** What was written since the last call. */
  takeOutput(): string {
    const output = this.#output;
    this.#output = "";
    return output;
  }

  get isQuiet(): boolean {
    return this.level === "NONE";
  }

  write(text: string): void {
    if (!this.isQuiet) this.#output += text;
  }

  /** Writes what `work` writes, two columns further in. */
  indented(work: () => void): void {
    const outer = this.#output;
    this.#output = "";
    work();
    const lines = this.#output.split("\n");
    if (lines.at(-1) === "") lines.pop();
    this.#output = outer + lines.map((line) => `  ${line}\n`).join("");
  }

  member(id: number): Member {
    const member = this.members[id - 1];
    if (member === undefined) throw new Error(`there is no node ${id}`);
    return member;
  }

  addNodes(count: number, options: MemberOptions, confState: ConfState, index: number): void {
    for (let added = 0; added < count; added++) {
      const id = this.members.length + 1;
      const log = (level: Level, line: string) => {
        if (levels.indexOf(level) >= levels.indexOf(this.level)) this.write(`${level} ${line}\n`);
      };
      this.members.push(newMember(id, options, confState, index, log));
    }
  }

  processReady(id: number): void {
    const member = this.member(id);
    const ready = member.node.ready();
    this.write(describeReady(ready));
    if (!member.isAsync) {
      processAppend(member, ready.hardState, ready.entries, ready.snapshot);
      applyConfChangeEntry(member, ready.committedEntries);
    }
    for (const message of inOrder(ready)) {
      if (message.type === "storage-append") member.appendWork.push(message);
      else if (message.type === "storage-apply") member.applyWork.push(message);
      else this.messages.push(message);
    }
    if (!member.isAsync) member.node.advance();
  }

  processAppendThread(id: number): void {
    const member = this.member(id);
    const work = member.appendWork.shift();
    if (work === undefined) {
      this.write("no append work to perform");
      return;
    }
    this.write(`Processing:\n${describeMessage({ ...work, responses: [] })}\n`);
    const { term, vote, commit, entries, snapshot } = work;
    const hardState = term + vote + commit > 0 ? { term, vote, commit } : undefined;
    processAppend(member, hardState, entries, snapshot);
    this.#respond(work);
  }

  processApplyThread(id: number): void {
    const member = this.member(id);
    const work = member.applyWork.shift();
    if (work === undefined) {
      this.write("no apply work to perform");
      return;
    }
    this.write(`Processing:\n${describeMessage({ ...work, responses: [] })}\n`);
    applyConfChangeEntry(member, work.entries);
    this.#respond(work);
  }

  #respond({ responses }: Message): void {
    this.write("Responses:\n");
    for (const response of responses) this.write(`${describeMessage(response)}\n`);
    this.messages.push(...responses);
  }

  /** Delivers or drops what is on its way to one node; returns how many messages that were. */
  deliver(id: number, drop: boolean, type?: Message["type"]): number {
    const chosen: Message[] = [];
    const rest: Message[] = [];
    for (const message of this.messages) {
      const isChosen =
        message.to === id && !(drop && isOwn(message)) && (type ?? message.type) === message.type;
      (isChosen ? chosen : rest).push(message);
    }
    this.messages = rest;
    for (const message of chosen) {
      this.write(`${drop ? "dropped: " : ""}${describeMessage(message)}\n`);
      if (drop) continue;
      const refusal = this.member(id).node.step(message);
      if (refusal === "unknown-peer") this.write("raft: cannot step as peer not found\n");
      else if (refusal !== undefined) this.write("raft proposal dropped\n");
    }
    return chosen.length;
  }

  /** Works and delivers among those nodes until nothing is left to do. */
  stabilize(ids: readonly number[]): void {
    const each = (due: (id: number) => boolean, title: string, work: (id: number) => void) => {
      let any = false;
      for (const id of ids) {
        if (!due(id)) continue;
        any = true;
        this.write(`> ${id} ${title}\n`);
        while (due(id)) {
          this.indented(() => work(id));
          if (title === "handling Ready") break;
        }
      }
      return any;
    };
    for (let busy = true; busy; ) {
      busy = each(
        (id) => this.member(id).node.hasReady,
        "handling Ready",
        (id) => this.processReady(id),
      );
      const isFor = (id: number) => this.messages.some(({ to }) => to === id);
      busy = each(isFor, "receiving messages", (id) => this.deliver(id, false)) || busy;
      const { appendWork, applyWork } = {
        appendWork: (id: number) => this.member(id).appendWork.length > 0,
        applyWork: (id: number) => this.member(id).applyWork.length > 0,
      };
      busy =
        each(appendWork, "processing append thread", (id) => this.processAppendThread(id)) || busy;
      busy =
        each(applyWork, "processing apply thread", (id) => this.processApplyThread(id)) || busy;
    }
  }

  /** Puts a snapshot of one node on its way to another. */
  sendSnapshot(from: number, to: number): void {
    const { node, history } = this.member(from);
    const sent = coreOf(node).compose("snapshot", to);
    sent.snapshot = history.at(-1) as Snapshot;
    this.messages.push(sent);
    this.write(describeMessage(sent));
  }
}

const isOwn = ({ from, to }: Message): boolean =>
  from === to || isStorageThread(from) || isStorageThread(to);
