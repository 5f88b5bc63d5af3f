// A member of a Raft group: what an application starts, proposes commands to, reads through, and
// stops. Any member takes proposals and reads; followers pass them on to the leader.
//
//   const node = await RaftNode.open({ id: 1, machine, files, folder, network, bootstrap });
//   const { result } = await node.propose(command);     // carried out, on a majority of the disks
//   await node.read();                                  // `machine` is now as new as any answer
//   await node.close();                                 // hands leadership over first
//
// The engine does the work (engine.ts); this file is what may be asked of it.

import { EMPTY_CONF_STATE } from "../confchange/conf-state.ts";
import {
  bestSuccessor,
  checkCaughtUp,
  type MemberChange,
  proposeChange,
  requireLeader,
} from "./admin.ts";
import { openDisk } from "./disk.ts";
import { Engine } from "./engine.ts";
import { encodeEnvelope } from "./envelope.ts";
import { RaftNodeError } from "./errors.ts";
import { type Leadership, type RaftNodeOptions, resolveOptions } from "./options.ts";
import type { Answer } from "./proposals.ts";
import { ReplicatedState } from "./replicated-state.ts";
import { Session, type SessionCommandId, type WaitOptions } from "./session.ts";
import type { NodeStats, NodeStatus } from "./status.ts";

/** How a command is proposed. */
export interface ProposeOptions extends WaitOptions {
  /** Which command of which session it is: then it is carried out once, however often proposed. */
  readonly session?: SessionCommandId;
}

/** The engine inside a node, for tests that look at it; not part of the package. */
export let engineOf: (node: RaftNode) => Engine;

/** A running member of a group. */
export class RaftNode implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #closed = Promise.withResolvers<RaftNodeError | undefined>();
  #closing: Promise<void> | undefined;

  private constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Opens the disk, starts the network, and joins the group. Resolves at once, not when there is a
   * leader; proposals and reads wait for that.
   *
   * @throws RangeError for an option out of range; WalError; RaftNodeError `WRONG_DISK`; whatever
   * the network throws
   */
  static async open(options: RaftNodeOptions): Promise<RaftNode> {
    const settings = resolveOptions(options);
    const state = new ReplicatedState(settings.machine, EMPTY_CONF_STATE);
    let engine: Engine | undefined;
    const disk = await openDisk(settings, state, () => engine?.snapshots.want());
    let node: RaftNode | undefined;
    try {
      engine = new Engine(settings, disk, state, (failure) => {
        if (node !== undefined) node.#failed(failure);
      });
      node = new RaftNode(engine);
      await engine.start();
      return node;
    } catch (error) {
      engine?.end("CLOSED", "the node could not be opened");
      await settings.network.close();
      await disk.wal.close();
      throw error;
    }
  }

  /** This member. */
  get id(): number {
    return this.#engine.settings.id;
  }

  /** Who leads, as far as this member knows. */
  get leadership(): Leadership {
    return this.#engine.leadership;
  }

  /** Resolves when the node has ended: to what made it stop, or to undefined after `close`. */
  get closed(): Promise<RaftNodeError | undefined> {
    return this.#closed.promise;
  }

  /**
   * Has a command carried out by every member. Resolves once it is committed, and applied here. In
   * a session it happens once however often it is proposed; without one, at most once per call.
   *
   * @throws RaftNodeError whose `outcome` says whether it may have happened: `NO_LEADER`, `BUSY`,
   * `SUPERSEDED`, `TIMEOUT`, `SESSION_EXPIRED`, `SESSION_SEQUENCE`, `CLOSED`, `FAILED`
   * @throws RangeError for a command above `commandBytesMax`
   */
  async propose(command: Uint8Array, options: ProposeOptions = {}): Promise<Answer> {
    const { proposer, settings } = this.#engine;
    const { commandBytesMax } = settings;
    if (command.length > commandBytesMax) {
      throw new RangeError(`a command of ${command.length} bytes; at most ${commandBytesMax}`);
    }
    const { session } = options;
    if (session !== undefined) checkSession(session);
    return await this.#add(options, (number) =>
      session === undefined
        ? encodeEnvelope({ kind: "command", proposer, number, command })
        : encodeEnvelope({
            kind: "session",
            proposer,
            number,
            session: session.id,
            sequence: session.sequence,
            acknowledged: session.acknowledged,
            command,
          }),
    );
  }

  /**
   * Opens a session, in which commands are carried out exactly once. It lasts until `sessionsMax`
   * others were used after it.
   *
   * @throws RaftNodeError as `propose`
   */
  async openSession(options: WaitOptions = {}): Promise<Session> {
    const { proposer, settings } = this.#engine;
    const { sessionsMax } = settings;
    const { index } = await this.#add(options, (number) =>
      encodeEnvelope({ kind: "open", proposer, number, sessionsMax }),
    );
    return new Session(index, (command, session, signal) =>
      this.propose(command, { session, ...(signal && { signal }) }),
    );
  }

  /**
   * Resolves when the application here is as new as anything that was answered anywhere before this
   * call: what is read then, before the next `await`, is linearizable. Resolves to the index.
   *
   * @throws RaftNodeError `NO_LEADER`, `BUSY`, `CLOSED`, `FAILED`
   */
  async read(options: WaitOptions = {}): Promise<number> {
    this.#checkOpen();
    const index = this.#engine.reads.add(this.#deadlineMs(options), options.signal);
    this.#engine.flushSoon();
    return await index;
  }

  /** What this member is and knows, as of now. */
  status(): NodeStatus {
    const { raw, state, snapshots, disk, lastRefusal } = this.#engine;
    return {
      ...raw.status(),
      group: new Map(state.members),
      isStalled: this.#engine.isStalled,
      hasEnded: this.#engine.hasEnded,
      sessions: state.sessions.size,
      snapshotBytes: snapshots.bytesLast,
      snapshotIndex: disk.storage.snapshot().index,
      lastRefusal,
    };
  }

  /** What this member has done since it was opened. */
  stats(): NodeStats {
    const { counts, proposals, reads, state, snapshots, writer, disk, settings } = this.#engine;
    return {
      ...counts,
      proposalsWaiting: proposals.size,
      proposalBytesWaiting: proposals.bytes,
      proposals: proposals.endings,
      readsWaiting: reads.size,
      reads: reads.endings,
      readRounds: reads.rounds,
      repeats: state.repeats,
      snapshotsMade: snapshots.made,
      snapshotsRefused: snapshots.refused,
      writeRetries: writer.retries,
      wal: disk.wal.stats(),
      network: settings.network.stats(),
    };
  }

  /**
   * Takes a new member in, which gets the log and has no vote. At the leader only.
   *
   * @throws RaftNodeError `NOT_LEADER`, `CHANGE_REFUSED`, and as `propose`
   */
  async addLearner(id: number, address: string, options: WaitOptions = {}): Promise<void> {
    await this.changeMembers([{ type: "add-learner", id, address }], options);
  }

  /**
   * Gives a learner a vote, once it has nearly all of the log. At the leader only.
   *
   * @throws RaftNodeError `NOT_LEADER`, `CHANGE_REFUSED`, and as `propose`
   */
  async promote(id: number, options: WaitOptions = {}): Promise<void> {
    this.#checkOpen();
    checkCaughtUp(this.#engine, id);
    await this.changeMembers([{ type: "add-voter", id }], options);
  }

  /**
   * Removes a member, for ever: its id is not used again. At the leader only, which may remove
   * itself.
   *
   * @throws RaftNodeError `NOT_LEADER`, `CHANGE_REFUSED`, and as `propose`
   */
  async remove(id: number, options: WaitOptions = {}): Promise<void> {
    await this.changeMembers([{ type: "remove", id }], options);
  }

  /**
   * Makes several changes at once, through a joint configuration: at no time is there a majority
   * that is neither of the old group nor of the new one. Resolves when the new group stands.
   *
   * @throws RaftNodeError `NOT_LEADER`, `CHANGE_REFUSED`, and as `propose`
   */
  async changeMembers(changes: readonly MemberChange[], options: WaitOptions = {}): Promise<void> {
    this.#checkOpen();
    const engine = this.#engine;
    const deadlineMs = this.#deadlineMs(options);
    const change = proposeChange(engine, changes, { deadlineMs, signal: options.signal });
    engine.flushSoon();
    await change;
    const isDone = () => engine.state.confState.votersOutgoing.length === 0;
    if (await engine.watchers.until(isDone, deadlineMs, options.signal)) return;
    throw this.#late("the change is under way, and goes on; its end was not seen in time");
  }

  /**
   * Hands leadership over: to that voter, or to whoever is most up to date. At the leader only.
   *
   * @throws RaftNodeError `NOT_LEADER`; `CHANGE_REFUSED` where there is nobody; `TIMEOUT`
   */
  async transferLeadership(to?: number, options: WaitOptions = {}): Promise<void> {
    this.#checkOpen();
    const engine = this.#engine;
    requireLeader(engine);
    const deadlineMs = this.#deadlineMs(options);
    const successor = to ?? bestSuccessor(engine);
    const isVoter = engine.state.confState.voters.includes(successor ?? 0);
    if (successor === undefined || !isVoter || successor === engine.settings.id) {
      const text =
        to === undefined ? "no other voter was heard of lately" : `${to} is no other voter`;
      throw new RaftNodeError("CHANGE_REFUSED", text, "not-executed");
    }
    engine.raw.transferLeader(successor);
    engine.work();
    const isOver = () => engine.leadership.leader === successor;
    if (await engine.watchers.until(isOver, deadlineMs, options.signal)) return;
    throw this.#late(`member ${successor} did not take over in time; the group goes on as it can`);
  }

  /**
   * Makes a snapshot of the state now, and lets go of the log before it. Resolves to its index.
   *
   * @throws RaftNodeError `CLOSED`, `FAILED`; WalError
   */
  async snapshot(): Promise<number> {
    this.#checkOpen();
    return await this.#engine.snapshots.make();
  }

  /**
   * Ends well: takes nothing new, waits for what is under way, hands leadership over, and closes
   * network and disk. Each step for as long as an election may take; then it goes on without.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const engine = this.#engine;
    const { clock, electionTimeoutMs } = engine.settings;
    if (engine.failure === undefined) {
      const soon = () => clock.now() + 2 * electionTimeoutMs;
      await engine.watchers.until(() => engine.proposals.size + engine.reads.size === 0, soon());
      const successor = engine.raw.isLeader ? bestSuccessor(engine) : undefined;
      if (successor !== undefined) {
        engine.raw.transferLeader(successor);
        engine.work();
        await engine.watchers.until(() => !engine.raw.isLeader, soon());
      }
    }
    engine.end("CLOSED", "the node is closed");
    await this.#letGo();
    this.#closed.resolve(engine.failure);
  }

  // A disk that hangs is not waited for longer than an election may take.
  async #letGo(): Promise<void> {
    const { settings, disk } = this.#engine;
    const { clock, electionTimeoutMs, network } = settings;
    await network.close().catch(() => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    using _timer = clock.setTimer(clock.now() + 2 * electionTimeoutMs, resolve);
    await Promise.race([disk.wal.close().catch(() => {}), promise]);
  }

  #failed(failure: RaftNodeError): void {
    this.#closing ??= this.#abandon(failure);
  }

  async #abandon(failure: RaftNodeError): Promise<void> {
    await this.#letGo();
    this.#closed.resolve(failure);
  }

  async #add(options: WaitOptions, encode: (number: number) => Uint8Array): Promise<Answer> {
    this.#checkOpen();
    const deadlineMs = this.#deadlineMs(options);
    const { signal } = options;
    const answer = this.#engine.proposals.add({ type: "normal", deadlineMs, signal, encode });
    this.#engine.flushSoon();
    return await answer;
  }

  // What was waited for has not come, because of the time or because the node has ended.
  #late(text: string): RaftNodeError {
    const { failure, hasEnded } = this.#engine;
    if (failure !== undefined) return failure;
    if (hasEnded) return new RaftNodeError("CLOSED", "the node is closed", "unknown");
    return new RaftNodeError("TIMEOUT", text, "unknown");
  }

  #deadlineMs({ timeoutMs }: WaitOptions): number {
    const { clock, timeoutMs: usualMs } = this.#engine.settings;
    if (timeoutMs !== undefined && !(timeoutMs > 0)) {
      throw new RangeError(`timeoutMs is ${timeoutMs}; it must be above 0`);
    }
    return clock.now() + (timeoutMs ?? usualMs);
  }

  static {
    engineOf = (node) => node.#engine;
  }

  #checkOpen(): void {
    const { failure } = this.#engine;
    if (failure !== undefined) {
      const options = { cause: failure.cause };
      throw new RaftNodeError(failure.code, failure.message, "not-executed", options);
    }
    if (this.#closing === undefined) return;
    throw new RaftNodeError("CLOSED", "the node is closed", "not-executed");
  }
}

function checkSession({ id, sequence, acknowledged }: SessionCommandId): void {
  for (const [name, value, least] of [
    ["session.id", id, 1],
    ["session.sequence", sequence, 1],
    ["session.acknowledged", acknowledged, 0],
  ] as const) {
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw new RangeError(`${name} is ${value}; it must be an integer of ${least} or more`);
  }
}
