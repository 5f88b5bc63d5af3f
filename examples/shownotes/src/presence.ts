// The presence service: an episode's tags, stars, notes and cursors in three regions. Each region
// is a process with a disk of its own, which answers whoever asks it, and tells the others.
//
//     GET    /episodes/12                  {"tags": ["crdt"], "stars": 3, "notes": …, "cursors": …}
//     POST   /episodes/12/tags/crdt        and DELETE
//     POST   /episodes/12/stars            and DELETE: one star more, one less
//     PATCH  /episodes/12/notes            {"at": 5, "delete": 2, "insert": "hi"}; no "at": the end
//     PUT    /episodes/12/cursors/ada      {"at": 7}, and DELETE; gone after 10 s without another
//     GET    /state                        who is linked, and a digest of everything
//
// An edit is answered once it is on the disk here, whoever else can be reached. 507: no room.
import { mkdirSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { CrdtSyncError } from "@compendium/crdt-sync";
import { registerSyncNodes } from "@compendium/crdt-sync/metrics";
import { FileStore } from "@compendium/crdt-sync/store";
import { WsTransport } from "@compendium/crdt-sync/ws";
import { registerMetrics } from "@compendium/metrics";
import { NodeFiles } from "@compendium/runtime/node";
import { Registry } from "prom-client";
import type { Listen, PresencePlace } from "./command-line.ts";
import { readJson, sendJson, sendText } from "./http.ts";
import { MethodError, readEpisodeRequest } from "./presence-edits.ts";
import { type Episode, type EpisodeEdit, emptyView } from "./presence-episode.ts";
import { type PresenceOptions, PresenceReplica } from "./presence-replica.ts";
import { runService, type ServiceDefinition } from "./service.ts";
import { x6Scenario } from "./x6-scenario.ts";

/** Runs a region's replica until it is told to stop, or cannot go on. */
export async function runPresence(options: PresencePlace & Listen): Promise<void> {
  const replica = await openReplica(options, {
    host: options.host,
    onFailed: ({ message }) => {
      // Another life may find a disk that writes; this one says nothing more.
      console.error(`presence ${options.region}: ${message}`);
      process.exit(1);
    },
  });
  await runService(createPresence(replica), options);
}

/** Opens a replica with its files in a folder of the machine, and its links over WebSockets. */
export async function openReplica(
  { region, peers, folder, column }: PresencePlace,
  { host = "127.0.0.1", ...others }: { host?: string } & Pick<PresenceOptions, "onFailed"> = {},
): Promise<PresenceReplica> {
  mkdirSync(folder, { recursive: true });
  const own = peers[region] as string;
  const { sync, cursorMs } = x6Scenario;
  const store = new FileStore(new NodeFiles(folder));
  const transport = new WsTransport();
  // The others' name for it need not be one that it can listen on.
  const listenAt = `${host}:${own.slice(own.lastIndexOf(":") + 1)}`;
  const options = { region, peers, transport, store, sync, cursorMs, column, ...others };
  return await PresenceReplica.open(options, listenAt);
}

/** The service of a replica. */
export function createPresence(replica: PresenceReplica): ServiceDefinition {
  const presence = new Presence(replica);
  return {
    name: "presence",
    registry: presence.registry,
    state: () => replica.state(),
    control: {},
    handle: (request, response, url) => void presence.handle(request, response, url),
    close: () => replica.close(),
  };
}

type Counted = EpisodeEdit["do"];

const COUNTED: readonly Counted[] = ["tag", "untag", "star", "unstar", "write", "point", "leave"];

class Presence {
  readonly registry = new Registry();
  readonly #replica: PresenceReplica;
  readonly #edits = new Map<Counted, number>(COUNTED.map((edit) => [edit, 0]));
  #withoutRoom = 0;

  constructor(replica: PresenceReplica) {
    this.#replica = replica;
    registerSyncNodes(this.registry, [replica.node]);
    this.#register();
  }

  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const { pathname } = url;
    if (pathname === "/state") return sendJson(response, 200, this.#replica.state());
    try {
      const asked = readEpisodeRequest(request.method ?? "", pathname, await readJson(request));
      if (asked === undefined) return sendText(response, 404, "try /episodes/1 or /state\n");
      const { id, edit } = asked;
      if (edit !== undefined) return await this.#edit(response, id, edit);
      const episode = await this.#replica.find(id);
      // What nobody here has heard of, and what nobody has written in, is the same.
      sendJson(response, 200, episode?.view() ?? emptyView(id));
    } catch (error) {
      sendFault(response, error as Error);
    }
  }

  async #edit(response: ServerResponse, id: string, edit: EpisodeEdit): Promise<void> {
    const episode = await this.#replica.edit(id, edit);
    if (episode === undefined) {
      this.#withoutRoom++;
      return sendText(response, 507, "no room for another one\n");
    }
    this.#edits.set(edit.do, (this.#edits.get(edit.do) ?? 0) + 1);
    sendJson(response, 200, partOf(episode, edit));
  }

  #register(): void {
    const sum = (of: (episode: Episode) => number) => {
      let total = 0;
      for (const episode of this.#replica.episodes.values()) total += of(episode);
      return total;
    };
    const gauges: [string, string, () => number][] = [
      ["episodes", "Episodes that are known.", () => this.#replica.episodes.size],
      [
        "regions_linked",
        "Other regions that can be reached now.",
        () => new Set(this.#replica.node.peers).size,
      ],
      ["cursors", "Cursors of people whom this region serves.", () => sum((it) => it.cursors.size)],
    ];
    registerMetrics(this.registry, [
      ...gauges.map(([name, help, read]) => ({
        name: `presence_${name}`,
        type: "gauge" as const,
        help,
        collect: (emit: (value: number) => void) => emit(read()),
      })),
      {
        name: "presence_edits_total",
        type: "counter",
        help: "Edits that were acknowledged.",
        labels: { edit: COUNTED },
        collect: (emit) => {
          for (const [edit, count] of this.#edits) emit(count, { edit });
        },
      },
      {
        name: "presence_without_room_total",
        type: "counter",
        help: "Edits for which there was no room.",
        collect: (emit) => emit(this.#withoutRoom),
      },
    ]);
  }
}

// What an edit is answered with: the part that it was about.
function partOf(episode: Episode, edit: EpisodeEdit): object {
  const { tags, stars, notes, cursors } = episode.view();
  switch (edit.do) {
    case "tag":
    case "untag":
      return { tags };
    case "star":
    case "unstar":
      return { stars };
    case "write":
      return { length: notes.length };
    case "point":
    case "leave":
      return { cursors };
  }
}

// Anything that is nobody's mistake is a bug, and is not called anything nicer.
function sendFault(response: ServerResponse, error: Error): void {
  const text = `${error.message}\n`;
  if (error instanceof MethodError) {
    response.setHeader("allow", error.allow);
    return sendText(response, 405, text);
  }
  if (error instanceof CrdtSyncError) return sendText(response, 503, text);
  const isTheirs = [TypeError, RangeError, SyntaxError].some((type) => error instanceof type);
  sendText(response, isTheirs ? 400 : 500, text);
}
