// One member of a simulated group: a RaftNode on the world's disk and clock, which serves clients.
// What a real process would do at an error of the disk, it does: it ends, and is started again.

import type { KvInput, KvOutput } from "@compendium/linearizability";
import type { Message } from "@compendium/raft";
import { RuntimeError } from "@compendium/runtime";
import type { World } from "@compendium/simulation";
import type { MemberChange, PeerLinks, RaftNode } from "../../src/node/index.ts";
import { DatagramNetwork } from "./datagram-network.ts";
import { decodeResult, encodeCommand, KvMachine } from "./kv-machine.ts";

/** The package under test: the real one, or one with a planted bug. */
export type GroupSubject = Pick<typeof import("../../src/node/index.ts"), "RaftNode" | "PeerLinks">;

/** A request of a client. */
export type Request =
  | { kind: "open"; number: number }
  | { kind: "run"; number: number; session: SessionCommand; input: KvInput }
  | { kind: "operate"; number: number; action: Action };

/** What an operator asks of a member. */
export type Action =
  | { what: "transfer"; to: number }
  | { what: "snapshot" }
  | { what: "change"; changes: readonly MemberChange[] }
  | { what: "promote"; id: number };

/** Which of a session's commands it is. */
export interface SessionCommand {
  readonly id: number;
  readonly sequence: number;
  readonly acknowledged: number;
}

/** What a member answers; silence, too, is an answer. */
export type Response =
  | { kind: "opened"; number: number; session: number }
  | { kind: "done"; number: number; output?: KvOutput }
  | { kind: "not-executed"; number: number }
  | { kind: "expired"; number: number };

/** A member that lives. */
export interface Member {
  readonly node: RaftNode;
  readonly machine: KvMachine;
}

/** How members are set up. */
export interface MemberOptions {
  readonly bootstrap: ReadonlyMap<number, string>;
  /** How long an election timeout is, at least. */
  readonly electionTimeoutMs: number;
  /** Whether members talk over links, in bytes, as they do in earnest. */
  readonly links: boolean;
}

const REQUEST_TIMEOUT_MS = 300;

/** Runs a member in one of its lives. */
export async function runMember(
  subject: GroupSubject,
  world: World,
  { bootstrap, electionTimeoutMs, links }: MemberOptions,
): Promise<void> {
  const id = Number(world.name.slice(1));
  const machine = new KvMachine();
  const datagrams = new DatagramNetwork(world, ({ type, from, to, term, reject }: Message) => {
    // What a living member has heard is a promise of its sender.
    if (type === "vote-response" && !reject) world.record("vote", { from, to, term });
  });
  const network = links ? newLinks(subject, world, electionTimeoutMs) : datagrams;
  let node: RaftNode | undefined;
  world.datagrams.receive((datagram, from) => {
    if (datagrams.take(datagram, from) || node === undefined) return;
    void serve(world, { node, machine }, datagram as Request, from);
  });
  try {
    node = await subject.RaftNode.open({
      id,
      machine,
      files: world.files,
      folder: "raft",
      network,
      ...(bootstrap.has(id) && { bootstrap }),
      clock: world.clock,
      random: world.random,
      electionTimeoutMs,
      heartbeatMs: electionTimeoutMs / 5,
      timeoutMs: REQUEST_TIMEOUT_MS,
      sessionsMax: 3,
      snapshotEntries: 40,
      catchUpEntries: 10,
      appendBytesMax: 2_048,
      segmentBytes: 8_192,
    });
  } catch (error) {
    if (!isOfTheDisk(error)) throw error;
    world.exit(String(error));
    return;
  }
  world.expose({ node, machine } satisfies Member);
  const failure = await node.closed;
  if (failure === undefined) return;
  if (failure.code === "REMOVED") return world.record("removed", { id });
  if (!isOfTheDisk(failure.cause)) throw failure;
  world.exit(failure.code);
}

function newLinks(subject: GroupSubject, world: World, electionTimeoutMs: number): PeerLinks {
  return new subject.PeerLinks({
    transport: world.transport,
    address: `${world.name}:raft`,
    group: "simulated",
    clock: world.clock,
    random: world.random,
    connectTimeoutMs: 2 * electionTimeoutMs,
    backoffMaxMs: electionTimeoutMs,
    silenceMs: 4 * electionTimeoutMs,
    closeTimeoutMs: electionTimeoutMs,
    chunkBytes: 1_024,
    windowBytes: 131_072,
  });
}

function isOfTheDisk(error: unknown): boolean {
  if (error instanceof RuntimeError) return true;
  if (!(error instanceof Error) || !("code" in error)) return false;
  return ["WAL_FAILED", "WAL_FULL", "WAL_CLOSED"].includes(String(error.code));
}

async function serve(
  world: World,
  member: Member,
  request: Request,
  client: string,
): Promise<void> {
  const { number } = request;
  const answer = (response: Response): void => world.datagrams.send(client, response);
  try {
    if (request.kind === "open") {
      const { id } = await member.node.openSession();
      return answer({ kind: "opened", number, session: id });
    }
    if (request.kind === "operate") {
      await operate(member.node, request.action);
      return answer({ kind: "done", number });
    }
    answer({ kind: "done", number, output: await run(member, request) });
  } catch (error) {
    const { code, outcome } = error as { code?: string; outcome?: string };
    if (outcome === undefined && !isOfTheDisk(error)) throw error;
    if (code === "SESSION_EXPIRED") answer({ kind: "expired", number });
    else if (outcome === "not-executed") answer({ kind: "not-executed", number });
  }
}

async function operate(node: RaftNode, action: Action): Promise<unknown> {
  switch (action.what) {
    case "transfer":
      return await node.transferLeadership(action.to);
    case "snapshot":
      return await node.snapshot();
    case "change":
      return await node.changeMembers(action.changes);
    case "promote":
      return await node.promote(action.id);
  }
}

async function run(
  { node, machine }: Member,
  { input, session }: Request & { kind: "run" },
): Promise<KvOutput> {
  if (input.f === "get") {
    await node.read();
    return machine.get(input.key);
  }
  const { result } = await node.propose(encodeCommand(input), { session });
  return decodeResult(result);
}
