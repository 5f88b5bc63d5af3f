// The edge: the one service that browsers talk to. It shows an episode's notes by itself, and asks
// the preview service for what stands behind a link.
//
// Like every real server it can hold only so many requests at once. Slow previews would fill those
// places, and then the notes, which need no preview at all, would wait too. What keeps them apart
// stands on the hop to the preview service (edge-preview.ts); what keeps workspaces apart stands
// before everything (edge-limits.ts); here are routes and places.
import type { IncomingMessage, ServerResponse } from "node:http";
import { Histogram, latencySecondsBounds, registerMetrics } from "@compendium/metrics";
import { Registry } from "prom-client";
import type { Billing, Edge as EdgeOptions, Listen } from "./command-line.ts";
import { BillingClient } from "./edge-billing.ts";
import { LimitGate } from "./edge-limits.ts";
import { invite, signIn } from "./edge-mail.ts";
import { askPreviewAt, PreviewClient } from "./edge-preview.ts";
import { SeatsClient } from "./edge-seats.ts";
import { sendJson, sendText } from "./http.ts";
import { InFlightLimit } from "./in-flight-limit.ts";
import { createLimits, type Limits, limitsInMemory } from "./limits.ts";
import { type Scenario, scenario as x1 } from "./scenario.ts";
import { runService, type ServiceDefinition } from "./service.ts";
import { x4Scenario } from "./x4-scenario.ts";

const QUEUE_MAX = 4_096;
// An episode belongs to the workspace that its id begins with: `acme-12` to `acme`. A plain `12`
// is a workspace of its own. Nothing here can be written in two ways, which would be two limits.
const EPISODE = /^(\w{1,32})(-\w{1,32})?$/;
const WORKSPACE = /^\w{1,32}$/;

/** Runs the service until it is told to stop. */
export async function runEdge(options: EdgeOptions & Listen): Promise<void> {
  const { previewUrl, protection, billing, redisUrl, registryUrls } = options;
  const limits = await createLimits(redisUrl);
  const seats = registryUrls && new SeatsClient(registryUrls);
  await runService(createEdge(previewUrl, x1, protection, billing, limits, seats), options);
}

/**
 * The service, in front of the preview service at `previewUrl`, and of billing and the registry if
 * there are any.
 */
export function createEdge(
  previewUrl: URL,
  scenario: Scenario,
  protection: boolean,
  billing?: Billing,
  limits: Limits = limitsInMemory(),
  seats?: SeatsClient,
): ServiceDefinition {
  const edge = new Edge(previewUrl, scenario, { billing, limits, seats });
  if (!protection) edge.preview.protect(false);
  return {
    name: "edge",
    registry: edge.registry,
    state: () => edge.state(),
    control: {
      protection: ({ on }) => edge.preview.protect(readOn(on)),
      hedging: ({ on }) => edge.preview.hedge(readOn(on)),
      limits: ({ on }) => edge.gate.switch(readOn(on)),
      ...(edge.billing && { billing: (body) => edge.billing?.control(body) }),
    },
    handle: (request, response, url) => edge.handle(request, response, url),
  };
}

function readOn(on: unknown): boolean {
  if (typeof on === "boolean") return on;
  throw new TypeError(`on must be true or false, got ${on}`);
}

class Edge {
  readonly registry = new Registry();
  readonly preview: PreviewClient;
  readonly billing: BillingClient | undefined;
  readonly gate: LimitGate;
  readonly #seats: SeatsClient | undefined;
  readonly #limit: InFlightLimit;
  readonly #seconds = {
    notes: new Histogram(latencySecondsBounds),
    preview: new Histogram(latencySecondsBounds),
  };
  #shed = 0;

  constructor(
    previewUrl: URL,
    scenario: Scenario,
    {
      billing,
      limits,
      seats,
    }: { billing: Billing | undefined; limits: Limits; seats: SeatsClient | undefined },
  ) {
    this.#seats = seats;
    this.gate = new LimitGate(limits);
    limits.register(this.registry);
    this.#limit = new InFlightLimit(scenario.edge.inFlightMax, QUEUE_MAX);
    const policies = { breaker: scenario.breaker, client: x4Scenario.client };
    this.preview = new PreviewClient(askPreviewAt(previewUrl), policies);
    this.preview.register(this.registry);
    this.billing = billing && new BillingClient(billing, this.registry);
    this.#register();
  }

  state(): object {
    return {
      inFlight: this.#limit.taken,
      queued: this.#limit.waiting,
      ...this.preview.state(),
      limits: this.gate.state(),
      ...(this.billing && { billing: this.billing.state() }),
    };
  }

  handle(request: IncomingMessage, response: ServerResponse, url: URL): void {
    const [, area, id = "", part, more] = url.pathname.split("/");
    const { method } = request;
    if (method === "POST" && url.pathname === "/sign-in") {
      return signIn(this.gate, request, response);
    }
    if (area === "workspaces" && WORKSPACE.test(id)) {
      return this.gate.workspace(id, request, response, () =>
        this.#workspace(id, [part, more], request, response),
      );
    }
    const workspace = area === "episodes" ? EPISODE.exec(id)?.[1] : undefined;
    if (workspace === undefined || (method !== "GET" && part !== "checkout")) {
      return sendText(response, 404, "try GET /episodes/1/notes or /episodes/1/preview?url=…\n");
    }
    this.gate.workspace(workspace, request, response, () =>
      this.#episode(id, part, request, response, url),
    );
  }

  #workspace(
    id: string,
    [part, more]: [string | undefined, string | undefined],
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    const { method } = request;
    if (method === "POST" && part === "invites") return invite(this.gate, id, request, response);
    if (part !== "seats" && !(method === "POST" && part === "checkout")) {
      return sendText(response, 404, `workspace ${id} has seats, invites and checkout\n`);
    }
    const seats = this.#seats;
    if (seats === undefined) return sendText(response, 503, "there is no registry here\n");
    if (part === "seats") return seats.handle(id, more, request, response);
    if (this.billing === undefined) return sendText(response, 503, "there is no billing here\n");
    this.billing.handle(id, request, response, seats);
  }

  #episode(
    id: string,
    part: string | undefined,
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
  ): void {
    if (request.method === "POST") {
      if (this.billing === undefined) return sendText(response, 503, "there is no billing here\n");
      return this.billing.handle(id, request, response);
    }
    if (part === "notes") return this.#inPlace("notes", response, () => showNotes(response, id));
    if (part === "preview") {
      const link = url.searchParams.get("url");
      if (link === null) return sendText(response, 400, "url is missing\n");
      return this.#inPlace("preview", response, () => this.#showPreview(response, link));
    }
    sendText(response, 404, `episode ${id} has notes and preview, not ${part}\n`);
  }

  // Every request holds a place from when it starts until it is answered, or its caller is gone.
  #inPlace(route: "notes" | "preview", response: ServerResponse, start: () => void): void {
    const arrivedAt = performance.now();
    const leave = this.#limit.enter(start);
    if (leave === undefined) {
      this.#shed++;
      return sendText(response, 503, "too many requests are waiting; try again later\n");
    }
    response.on("close", () => {
      leave();
      this.#seconds[route].observe((performance.now() - arrivedAt) / 1_000);
    });
  }

  #showPreview(response: ServerResponse, link: string): void {
    // A caller who leaves frees their place. If their preview went on, nothing would bound them.
    const leaving = new AbortController();
    response.on("close", () => leaving.abort());
    this.preview
      .get(link, leaving.signal)
      .then((preview) => sendJson(response, 200, preview))
      .catch((error: Error) => {
        if (!response.destroyed) sendText(response, 502, `${error.message}\n`);
      });
  }

  #register(): void {
    registerMetrics(this.registry, [
      {
        name: "edge_requests_in_flight",
        type: "gauge",
        help: "Requests that hold one of the edge's places.",
        collect: (emit) => emit(this.#limit.taken),
      },
      {
        name: "edge_requests_waiting",
        type: "gauge",
        help: "Requests that wait for a place.",
        collect: (emit) => emit(this.#limit.waiting),
      },
      {
        name: "edge_requests_shed_total",
        type: "counter",
        help: "Requests refused because too many waited already.",
        collect: (emit) => emit(this.#shed),
      },
      {
        name: "edge_request_seconds",
        type: "histogram",
        help: "From a request's arrival to its answer, or its caller's leaving, waiting included.",
        labels: { route: ["notes", "preview"] },
        collect: (emit) => {
          emit(this.#seconds.notes.snapshot(), { route: "notes" });
          emit(this.#seconds.preview.snapshot(), { route: "preview" });
        },
      },
    ]);
  }
}

function showNotes(response: ServerResponse, id: string): void {
  sendJson(response, 200, {
    id,
    title: `Episode ${id}: distributed systems`,
    notes: [
      "00:00 What can go wrong",
      "12:40 What to do about it",
      "31:05 How to show that it helps",
    ],
  });
}
