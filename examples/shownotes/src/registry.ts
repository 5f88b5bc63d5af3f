// The registry service: leases of documents and seats of workspaces, kept the same by a group of
// members that a majority of suffices (Raft). Each is a process of its own with a disk of its own.
//
//     POST /sessions                opens one; {"session": 7}
//     POST /commands                {"session": {"id": 7, "sequence": 1, "acknowledged": 0},
//                                    "command": {"do": "take", "workspace": …, "person": …}}
//     GET  /leases/…, /seats/…      of a document, of a workspace: as new as any answer before
//     GET  /status                  who leads, as far as this member knows
//
// What the leader alone can do, others refuse with 421 and its id. 503: not now. Both say in the
// body whether it may have happened.
import { mkdirSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { registerMetrics } from "@compendium/metrics";
import { registerRaftNode } from "@compendium/raft/metrics";
import { PeerLinks, type SessionCommandId } from "@compendium/raft/node";
import { systemClock, systemRandom } from "@compendium/runtime";
import { NodeFiles, NodeTransport } from "@compendium/runtime/node";
import { Registry } from "prom-client";
import type { Listen, RegistryPlace } from "./command-line.ts";
import { readJson, sendJson, sendText } from "./http.ts";
import { type RegistryQuery, readCommand, readName, readNumber } from "./registry-commands.ts";
import { RegistryMember, type Reply } from "./registry-member.ts";
import { runService, type ServiceDefinition } from "./service.ts";
import { x5Scenario } from "./x5-scenario.ts";

const GROUP = "shownotes-registry";
// What is kept is small: so may the log be.
const SIZES = { segmentBytes: 1_048_576, snapshotEntries: 5_000 };

/** Runs a member until it is told to stop, or cannot go on. */
export async function runRegistry(options: RegistryPlace & Listen): Promise<void> {
  const member = await openMember(options, options.host);
  void member.node.closed.then((failure) => {
    if (failure === undefined) return;
    // Another life may find a disk that writes; this one says nothing more.
    console.error(`registry ${member.node.id}: ${failure.message}`);
    process.exit(1);
  });
  await runService(createRegistry(member), options);
}

/** Joins the group over TCP, with its log in a folder of the machine. */
export async function openMember(
  { member: id, peers, folder }: RegistryPlace,
  host = "127.0.0.1",
): Promise<RegistryMember> {
  mkdirSync(folder, { recursive: true });
  const own = peers[id - 1] as string;
  const network = new PeerLinks({
    transport: new NodeTransport(),
    // The others' name for it need not be one that it can listen on.
    address: `${host}:${own.slice(own.lastIndexOf(":") + 1)}`,
    group: GROUP,
    clock: systemClock,
    random: systemRandom,
  });
  return await RegistryMember.open({
    id,
    files: new NodeFiles(folder),
    folder: "raft",
    network,
    bootstrap: new Map(peers.map((address, at) => [at + 1, address])),
    ...x5Scenario.raft,
    ...SIZES,
  });
}

/** The service of a member. */
export function createRegistry(member: RegistryMember): ServiceDefinition {
  const registry = new Registry();
  registerRaftNode(registry, member.node, { group: "registry" });
  registerState(registry, member);
  return {
    name: "registry",
    registry,
    state: () => ({ ...statusOf(member), ...member.state.stats() }),
    control: {},
    handle: (request, response, url) => {
      answer(member, request, url).then(
        ({ status, body }) => sendJson(response, status, body),
        (error: Error) => sendFault(response, error),
      );
    },
    close: () => member.node.close(),
  };
}

/** What `GET /status` says. */
export interface RegistryStatus {
  member: number;
  /** 0: nobody that this member knows of. */
  leader: number;
  term: number;
  committed: number;
  applied: number;
  revision: number;
}

function statusOf({ node, state }: RegistryMember): RegistryStatus {
  const { committed, applied } = node.status();
  const { leader, term } = node.leadership;
  return { member: node.id, leader, term, committed, applied, revision: state.revision };
}

interface Answered {
  status: number;
  body: object;
}

async function answer(
  member: RegistryMember,
  request: IncomingMessage,
  { pathname }: URL,
): Promise<Answered> {
  const { method } = request;
  const [, area = "", name] = pathname.split("/");
  if (method === "GET" && area === "status") return { status: 200, body: statusOf(member) };
  if (method === "GET" && (area === "leases" || area === "seats")) {
    return reply(await member.read(queryOf(area, name)));
  }
  if (method === "POST" && area === "sessions") {
    return reply(await member.openSession());
  }
  if (method === "POST" && area === "commands") {
    const { session, command } = await readJson(request);
    return reply(await member.run(readCommand(command), readSession(session)));
  }
  return { status: 404, body: { message: "try POST /sessions, /commands or GET /status" } };
}

function reply<Value extends object>(replied: Reply<Value>): Answered {
  if ("value" in replied) return { status: 200, body: replied.value };
  const { refusal } = replied;
  return { status: refusal.code === "NOT_LEADER" ? 421 : 503, body: refusal };
}

// What cannot be read has not happened. Anything else is a bug, and is not called anything nicer.
function sendFault(response: ServerResponse, error: Error): void {
  const { message } = error;
  const isTheirs = [TypeError, RangeError, SyntaxError].some((type) => error instanceof type);
  if (!isTheirs) return sendText(response, 500, `${message}\n`);
  sendJson(response, 400, { code: "MALFORMED", outcome: "not-executed", leader: 0, message });
}

function queryOf(area: "leases" | "seats", name: string | undefined): RegistryQuery {
  if (area === "leases") return { of: "lease", document: readName("document", name) };
  return { of: "seats", workspace: readName("workspace", name) };
}

function readSession(asked: unknown): SessionCommandId {
  const fields = (typeof asked === "object" && asked !== null ? asked : {}) as SessionCommandId;
  const { id, sequence, acknowledged } = fields;
  const most = Number.MAX_SAFE_INTEGER - 1;
  return {
    id: readNumber("session.id", id, most),
    sequence: readNumber("session.sequence", sequence, most),
    acknowledged: readNumber("session.acknowledged + 1", acknowledged + 1, most) - 1,
  };
}

function registerState(registry: Registry, { state }: RegistryMember): void {
  const gauges: [string, string, () => number][] = [
    ["leases", "Leases that are kept, those that have ended included.", () => state.stats().leases],
    ["workspaces", "Workspaces with seats.", () => state.stats().workspaces],
    ["seats_paid", "Seats that were paid for.", () => state.stats().seatsPaid],
    ["seats_taken", "Seats that somebody has.", () => state.stats().seatsTaken],
    ["revision", "Changes to leases and seats since the group began.", () => state.revision],
  ];
  registerMetrics(
    registry,
    gauges.map(([name, help, read]) => ({
      name: `registry_${name}`,
      type: "gauge" as const,
      help,
      collect: (emit: (value: number) => void) => emit(read()),
    })),
  );
}
