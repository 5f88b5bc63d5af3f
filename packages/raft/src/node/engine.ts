// What runs a member: it asks the core what is to be done, and does it, in the order on which
// Raft's safety rests, with what may take long out of each other's way.
//
//            proposals, reads                    messages of the others
//                    │                                    │
//                    ▼                                    ▼
//   clock ──▶ ┌─────────────── the core: a call in, work out ───────────────┐
//             └──┬──────────────────┬───────────────────┬───────────────────┘
//                ▼                  ▼                   ▼
//             network            LogWriter        ReplicatedState
//          sends at once       writes and syncs      applies what is
//                              in batches; only      committed, and
//                              then does the core    durable here
//                              promise anything
//
// A leader sends an entry to its followers while its own disk still writes it (thesis §10.2.1). All
// work is done on the turn in which it arises, and there is one timer, the tick. A tick that comes
// late is one tick: a process that was stopped for a minute has not waited a minute for its leader.
import type { ConfChange } from "../confchange/change.ts";
import type { RaftEvent } from "../core/events.ts";
import { APPEND_THREAD, APPLY_THREAD, type Message } from "../core/message.ts";
import { RawNode, type Ready } from "../core/raw-node.ts";
import { refusalByNow as refusalOf } from "./admin.ts";
import { Admission } from "./admission.ts";
import { answerTo, removedError, supersededError } from "./answers.ts";
import { Applier } from "./applier.ts";
import { type EngineCounts, noCounts } from "./counts.ts";
import type { MemberDisk } from "./disk.ts";
import { encodeEnvelope, isReadable } from "./envelope.ts";
import { RaftNodeError, type RaftNodeErrorCode } from "./errors.ts";
import { LogWriter } from "./log-writer.ts";
import { Offers } from "./offers.ts";
import { coreOptions, type Leadership, type NodeSettings } from "./options.ts";
import { type Pending, Proposals } from "./proposals.ts";
import { Reads } from "./reads.ts";
import type { Applied, ReplicatedState } from "./replicated-state.ts";
import { Snapshots } from "./snapshots.ts";
import { Watchers } from "./watchers.ts";

const PROPOSERS = 2 ** 48;
const WAITING_MAX = 16_384;

/** A running member. One owner, {@link RaftNode}. */
export class Engine {
  readonly settings: NodeSettings;
  readonly disk: MemberDisk;
  readonly state: ReplicatedState;
  readonly raw: RawNode;
  readonly writer: LogWriter;
  readonly snapshots: Snapshots;
  readonly proposals: Proposals;
  readonly reads: Reads;
  readonly watchers: Watchers = new Watchers();
  /** Tells the proposals of this life from all others. */
  readonly proposer: number;
  readonly counts: EngineCounts = noCounts();
  leadership: Leadership = { term: 0, leader: 0, isLeader: false };
  failure: RaftNodeError | undefined;
  #onFailure: (failure: RaftNodeError) => void;
  #ended = false;
  #working = false;
  #flushing = false;
  #stalled = false;
  readonly #applier: Applier;
  readonly #offers: Offers;
  #timer: Disposable | undefined;
  // Once the group has removed this member: for a while it still answers those who have not heard.
  #leaveAtMs = Number.POSITIVE_INFINITY;
  readonly #admission: Admission;

  constructor(
    settings: NodeSettings,
    disk: MemberDisk,
    state: ReplicatedState,
    onFailure: (failure: RaftNodeError) => void,
  ) {
    this.settings = settings;
    this.disk = disk;
    this.state = state;
    this.#onFailure = onFailure;
    const { id, random, clock, proposalsMax, proposalBytesMax } = settings;
    this.proposer = random.below(PROPOSERS);
    this.proposals = new Proposals({ proposalsMax, proposalBytesMax });
    this.reads = new Reads(this.proposer, proposalsMax);
    const trace = (event: RaftEvent): void => this.#traced(event);
    this.raw = new RawNode({ ...coreOptions(settings), storage: disk.storage, trace });
    const refusalByNow = (change: ConfChange) => refusalOf(this, change);
    this.#offers = new Offers({ raw: this.raw, proposals: this.proposals, refusalByNow });
    const onFailed = (error: Error): void => this.fail(error);
    this.#admission = new Admission({ id, diskId: disk.diskId }, state, onFailed);
    this.snapshots = new Snapshots({ settings, disk, state, onFailed });
    this.writer = new LogWriter({
      wal: disk.wal,
      storage: disk.storage,
      clock,
      onWritten: (append) => this.#written(append),
      onFailure: onFailed,
    });
    this.#applier = new Applier({
      state,
      writer: this.writer,
      adopt: (change) => this.raw.applyConfChange(change),
      onEntry: (applied, index) => this.#entryApplied(applied, index),
      onBatch: (apply) => this.#batchApplied(apply),
      onReady: () => this.#tell(() => this.#applier.next()),
    });
  }

  /** Whether the disk does not write, and the member therefore neither leads nor votes. */
  get isStalled(): boolean {
    return this.#stalled;
  }

  /** Whether it does nothing any more: closed, or failed. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Why another member would not talk to this one, the last time that one would not. */
  get lastRefusal(): string | undefined {
    return this.#admission.lastRefusal;
  }

  /** Joins the network, and lets time pass. */
  async start(): Promise<void> {
    const { network, id } = this.settings;
    await network.start(
      { id, diskId: this.disk.diskId },
      {
        receive: (message) => this.#receive(message),
        unreachable: (member) => this.#tell(() => this.raw.reportUnreachable(member)),
        snapshotSettled: (member, delivered) =>
          this.#tell(() => this.raw.reportSnapshot(member, delivered)),
        admit: (peer) => this.#admission.admit(peer),
        refused: (_member, reason) => this.#admission.refused(reason),
      },
    );
    if (!this.#ended) this.#groupChanged();
    if (this.#ended) return;
    this.#armTick();
    this.work();
  }

  /** Hands over what was queued in this turn, once the turn is over. */
  flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    void Promise.resolve().then(() => {
      this.#flushing = false;
      this.work();
    });
  }

  /** Does all that is to be done now. */
  work(): void {
    if (this.#working || this.#ended) return;
    this.#working = true;
    try {
      this.#offer();
      while (this.raw.hasReady && !this.#ended) {
        this.#carryOut(this.raw.ready());
        this.#offer();
      }
      this.reads.applied(this.state.index);
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#working = false;
    }
    if (this.watchers.size > 0) this.watchers.look(this.settings.clock.now());
  }

  /** The node cannot go on: all who wait are told, and nothing is done any more. */
  fail(cause: Error): void {
    if (this.#ended) return;
    const failure =
      cause instanceof RaftNodeError
        ? cause
        : new RaftNodeError("FAILED", `the node has stopped: ${cause.message}`, "unknown", {
            cause,
          });
    this.failure = failure;
    this.end(failure.code, failure.message, cause);
    this.#onFailure(failure);
  }

  /** Does nothing any more. */
  end(code: RaftNodeErrorCode, text: string, cause?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.[Symbol.dispose]();
    this.writer.end();
    this.proposals.endAll(code, text, cause);
    this.reads.endAll(code, text, cause);
    this.watchers.end();
    this.#leadsNoMore();
  }

  // Whoever goes by its leadership must hear that it is over; what they throw changes nothing now.
  #leadsNoMore(): void {
    const { term, leader } = this.leadership;
    if (leader === 0) return;
    this.leadership = { term, leader: 0, isLeader: false };
    try {
      this.settings.onLeadership?.(this.leadership);
    } catch {}
  }

  #offer(): void {
    if (!this.#stalled) this.#offers.make();
    const { reads, raw, settings } = this;
    reads.ask(settings.clock.now(), (context) => raw.readIndex(context));
  }

  #carryOut({ softState, hardState, messages, readStates }: Ready): void {
    const { term } = this.leadership;
    // The same leader in another term, after it was away for a moment, is another leadership.
    if (softState !== undefined || (hardState?.term ?? term) !== term) this.#turn();
    const outgoing = messages.filter(({ to }) => to > 0);
    if (outgoing.length > 0) this.settings.network.send(outgoing);
    for (const message of messages) {
      if (message.to === APPEND_THREAD) this.writer.write(message);
      else if (message.to === APPLY_THREAD) this.#applier.add(message);
    }
    this.#applier.next();
    for (const readState of readStates) this.reads.confirmed(readState);
  }

  #turn(): void {
    const { term, lead, role } = this.raw.status();
    const isLeader = role === "leader";
    if (lead !== this.leadership.leader || term !== this.leadership.term) {
      if (lead !== 0) this.counts.leaderChanges++;
      // Questions that the old leader was asked are lost with it.
      this.reads.giveUp();
    }
    this.leadership = { term, leader: lead, isLeader };
    this.settings.onLeadership?.(this.leadership);
    this.#offers.again();
  }

  #entryApplied(applied: Applied, index: number): void {
    this.counts.committed++;
    this.#answer(applied, index);
    this.proposals.passed(index, (pending) => this.#superseded(pending, index));
  }

  #batchApplied({ entries, responses }: Message): void {
    for (const response of responses) this.raw.step(response);
    this.#offers.again();
    this.snapshots.applied(entries);
  }

  #superseded({ type }: Pending, index: number): RaftNodeError {
    if (type === "normal") this.counts.superseded++;
    return supersededError(type, index);
  }

  #answer(applied: Applied, index: number): void {
    if (applied.kind === "bound") return this.#groupChanged();
    if (applied.kind === "changed") this.#groupChanged();
    if (applied.kind === "nothing" || applied.by?.proposer !== this.proposer) return;
    this.proposals.answer(applied.by.number, answerTo(applied, index));
  }

  // Whoever was let in before the group knew better loses its links, and is judged when it is back.
  #groupChanged(): void {
    const { network, id, clock, electionTimeoutMs } = this.settings;
    const addresses = this.#addresses();
    const known = new Map(addresses);
    for (const exposed of this.#admission.exposed()) known.delete(exposed);
    if (known.size < addresses.size) network.setPeers(known);
    network.setPeers(addresses);
    this.#admission.checkSelf();
    if (this.state.removed.has(id)) this.#leaveAtMs = clock.now() + electionTimeoutMs;
  }

  #written({ snapshot, responses }: Message): void {
    this.#tell(() => {
      if (snapshot !== undefined && snapshot.index > this.state.index) {
        this.state.restore(snapshot.data, snapshot);
        this.counts.snapshotsInstalled++;
        this.proposals.covered(snapshot.index);
        this.#groupChanged();
      }
      for (const response of responses) {
        if (response.to === this.settings.id) this.raw.step(response);
        else this.settings.network.send([response]);
      }
    });
  }

  #receive(message: Message): void {
    if (message.to !== this.settings.id) return;
    // What is answered waits for the disk. While that does not write, no more is taken than there
    // is room for: the others say again what matters.
    if (this.writer.waiting >= WAITING_MAX) return;
    if (message.type === "propose" && !message.entries.every(isReadable)) return;
    this.#tell(() => void this.raw.step(message));
  }

  #tell(news: () => void): void {
    if (this.#ended) return;
    try {
      news();
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
    this.work();
  }

  #armTick(): void {
    const { clock, tickMs } = this.settings;
    this.#timer = clock.setTimer(clock.now() + tickMs, () => {
      this.#tick();
      if (!this.#ended) this.#armTick();
    });
  }

  #tick(): void {
    const { clock, electionTimeoutMs } = this.settings;
    const nowMs = clock.now();
    this.counts.expired += this.proposals.expire(nowMs);
    this.counts.expired += this.reads.expire(nowMs);
    this.reads.giveUp(nowMs - electionTimeoutMs);
    const stalls = this.writer.isStuck || this.writer.busyMs > electionTimeoutMs;
    if (stalls && !this.#stalled) this.counts.stalls++;
    this.#stalled = stalls;
    if (nowMs >= this.#leaveAtMs) this.fail(removedError(this.settings.id));
    this.#tell(() => {
      // Without a disk it neither leads nor stands for election, until it has one again.
      if (stalls) return this.raw.stepDown();
      this.#offers.again();
      this.raw.tick();
      if (this.raw.isLeader) this.#bindDisks(nowMs);
      this.snapshots.makeIfWanted();
    });
    this.watchers.look(nowMs);
  }

  #addresses(): Map<number, string> {
    const others = [...this.state.members].filter(([id]) => id !== this.settings.id);
    return new Map(others.map(([id, { address }]) => [id, address]));
  }

  // The leader tells the group which disks its members have. What is not committed after an
  // election timeout is said again; with every tick it would fill the log of a slow group.
  #bindDisks(nowMs: number): void {
    const { electionTimeoutMs } = this.settings;
    for (const { id, diskId } of this.#admission.unbound(nowMs, electionTimeoutMs)) {
      this.raw.propose(encodeEnvelope({ kind: "bind", member: id, diskId }));
    }
  }

  #traced(event: RaftEvent): void {
    if (event.kind === "election-started") this.counts.elections++;
    this.settings.trace?.(event);
  }
}
