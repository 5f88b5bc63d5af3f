// A member of the registry, without its sockets for clients: a Raft node and the state that it
// keeps the same as the others'. Commands are taken by the leader alone, for it is its clock that
// they carry; reads by whoever is asked, who makes sure that nothing newer was answered anywhere.
import {
  RaftNode,
  RaftNodeError,
  type RaftNodeOptions,
  type SessionCommandId,
} from "@compendium/raft/node";
import { type Clock, systemClock } from "@compendium/runtime";
import { LogTime } from "./log-time.ts";
import type {
  RegistryAnswer,
  RegistryCommand,
  RegistryFound,
  RegistryQuery,
} from "./registry-commands.ts";
import { decodeAnswer, encodeCommand, RegistryState } from "./registry-state.ts";

/**
 * For so long a member tries; then it says that it could not. Less than a client waits: a member
 * that waits for a leader is not to be taken for one that is gone.
 */
export const ANSWER_MS_MAX = 200;

/** Whoever did not get what was asked for: why, and who may know more. */
export interface Refusal {
  readonly code: string;
  /** Whether it may have happened all the same. */
  readonly outcome: "not-executed" | "unknown";
  /** Who leads; 0: nobody that is known of. */
  readonly leader: number;
  readonly message: string;
}

/** What a member answers. */
export type Reply<Value> = { readonly value: Value } | { readonly refusal: Refusal };

/** A member of the registry. */
export class RegistryMember {
  readonly node: RaftNode;
  readonly state: RegistryState;
  readonly #clock: Clock;
  readonly #time = new LogTime();

  private constructor(node: RaftNode, state: RegistryState, clock: Clock) {
    this.node = node;
    this.state = state;
    this.#clock = clock;
  }

  /** Joins the others. Rejects as `RaftNode.open` does. */
  static async open(options: Omit<RaftNodeOptions, "machine">): Promise<RegistryMember> {
    const state = new RegistryState();
    const node = await RaftNode.open({ ...options, machine: state });
    return new RegistryMember(node, state, options.clock ?? systemClock);
  }

  /** Opens a session, in which commands are carried out once. */
  openSession(): Promise<Reply<{ session: number }>> {
    return this.#asLeader(async () => {
      const { id } = await this.node.openSession({ timeoutMs: ANSWER_MS_MAX });
      return { session: id };
    });
  }

  /** Has a command carried out. */
  run(command: RegistryCommand, session: SessionCommandId): Promise<Reply<RegistryAnswer>> {
    return this.#asLeader(async () => {
      const atMs = this.#time.stamp(
        this.node.leadership.term,
        this.state.timeMs,
        this.#clock.now(),
      );
      const stamped = encodeCommand(command, atMs);
      const { result } = await this.node.propose(stamped, { session, timeoutMs: ANSWER_MS_MAX });
      return decodeAnswer(result);
    });
  }

  /** Looks, at what is as new as any answer that was given before. */
  read(query: RegistryQuery): Promise<Reply<RegistryFound>> {
    return this.#reply(async () => {
      await this.node.read({ timeoutMs: ANSWER_MS_MAX });
      const { state } = this;
      const { revision } = state;
      if (query.of === "lease") return { revision, ...state.lease(query.document) };
      return { revision, ...state.seats(query.workspace) };
    });
  }

  #asLeader<Value>(act: () => Promise<Value>): Promise<Reply<Value>> {
    return this.#reply(async () => {
      const { isLeader, leader } = this.node.leadership;
      if (isLeader) return await act();
      const text = leader === 0 ? "nobody leads just now" : `member ${leader} leads`;
      throw new RaftNodeError("NOT_LEADER", text, "not-executed");
    });
  }

  async #reply<Value>(act: () => Promise<Value>): Promise<Reply<Value>> {
    try {
      return { value: await act() };
    } catch (error) {
      if (!(error instanceof RaftNodeError)) throw error;
      const { code, outcome, message } = error;
      return { refusal: { code, outcome, message, leader: this.node.leadership.leader } };
    }
  }
}
