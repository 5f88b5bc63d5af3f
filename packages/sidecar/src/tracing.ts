// Traces through @opentelemetry/api: a server span for each request, a client span for each attempt
// to send it on, named and described by OpenTelemetry's semantic conventions for HTTP. The context
// is W3C's. Whether a request is recorded is the sampler's decision, which by default is the
// caller's; what is not recorded is passed on as such.
//
// Left out: queries, where secrets are, and headers; a span has neither.
//
// https://opentelemetry.io/docs/specs/semconv/http/http-spans
import {
  type Context,
  createTraceState,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { RequestHead } from "./codec/codec.ts";
import { readTraceContext, writeTraceContext } from "./observe/trace-context.ts";
import type { AttemptEnd, RequestObserver } from "./router/observer.ts";
import type { RequestInfo } from "./router/request-info.ts";

export type { RequestObserver } from "./router/observer.ts";

interface Traced {
  readonly server: Span;
  readonly context: Context;
}

/** Makes spans of requests with this tracer. */
export function traceRequests(tracer: Tracer): RequestObserver {
  const traced = new WeakMap<RequestInfo, Traced>();
  // By what was sent: with hedging there are several at a time, and the first may end last.
  const clients = new WeakMap<RequestHead, Span>();
  return {
    onBegin: (info) => {
      const { request } = info;
      if (request === undefined) return;
      const kind = SpanKind.SERVER;
      const options = { kind, startTime: info.startedAtWallMs, attributes: asked(info, request) };
      const parent = parentOf(request);
      const server = tracer.startSpan(nameOf(info, request), options, parent);
      traced.set(info, { server, context: trace.setSpan(parent, server) });
      const spanContext = server.spanContext();
      if (isSpanContextValid(spanContext)) info.traceId = spanContext.traceId;
    },
    onForward: (info, head) => {
      const of = traced.get(info);
      if (of === undefined) return;
      const options = { kind: SpanKind.CLIENT, attributes: sentOn(info, head) };
      const client = tracer.startSpan(nameOf(info, head), options, of.context);
      clients.set(head, client);
      write(client, head);
    },
    onAttemptEnd: (_info, head, how) => {
      const client = clients.get(head);
      if (client !== undefined) endClient(client, how);
    },
    onEnd: (info) => {
      const of = traced.get(info);
      if (of === undefined) return;
      traced.delete(info);
      endServer(of.server, info);
    },
  };
}

function parentOf({ fields }: RequestHead): Context {
  const parent = readTraceContext(fields);
  if (parent === undefined) return ROOT_CONTEXT;
  const { traceId, spanId, isSampled, state } = parent;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
    ...(state !== "" && { traceState: createTraceState(state) }),
  });
}

function write(span: Span, { fields }: RequestHead): void {
  const context = span.spanContext();
  // Without an SDK and without a caller's context there is no trace.
  if (!isSpanContextValid(context)) return;
  writeTraceContext(fields, {
    traceId: context.traceId,
    spanId: context.spanId,
    isSampled: (context.traceFlags & TraceFlags.SAMPLED) !== 0,
    state: context.traceState?.serialize() ?? "",
  });
}

const methods: ReadonlySet<string> = new Set([
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "TRACE",
]);

// A route's name comes from the configuration: paths would be as many names as there are clients.
function nameOf({ routeName }: RequestInfo, { method }: RequestHead): string {
  const verb = methods.has(method) ? method : "HTTP";
  return routeName === undefined ? verb : `${verb} ${routeName}`;
}

const versions = { "http/1.0": "1.0", "http/1.1": "1.1", h2: "2" } as const;

type Attributes = Record<string, string | number>;

function asked(info: RequestInfo, head: RequestHead): Attributes {
  const agent = head.fields.get("user-agent");
  return {
    ...common(head),
    "url.scheme": head.scheme,
    "client.address": info.remoteAddress,
    "network.peer.address": info.peer.remoteAddress,
    "network.peer.port": info.peer.remotePort,
    ...(agent !== undefined && { "user_agent.original": agent.slice(0, 256) }),
    ...serverOf(head.authority),
  };
}

function sentOn(info: RequestInfo, head: RequestHead): Attributes {
  const { host, upstreamCluster, upstreamAttempts } = info;
  return {
    ...common(head),
    ...serverOf(head.authority),
    ...(host !== undefined && {
      "network.peer.address": host.address.slice(0, host.address.lastIndexOf(":")),
      "network.peer.port": host.port,
    }),
    ...(upstreamCluster !== undefined && { upstream_cluster: upstreamCluster }),
    ...(upstreamAttempts > 1 && { "http.request.resend_count": upstreamAttempts - 1 }),
  };
}

function common({ method, path, protocol }: RequestHead): Attributes {
  const isKnown = methods.has(method);
  return {
    "http.request.method": isKnown ? method : "_OTHER",
    ...(!isKnown && { "http.request.method_original": method }),
    "url.path": path.split("?", 1)[0] ?? "",
    "network.protocol.name": "http",
    "network.protocol.version": versions[protocol],
  };
}

function serverOf(authority: string): Attributes {
  const [, bracketed, name, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(authority) ?? [];
  const address = bracketed ?? name;
  if (address === undefined || address === "") return {};
  return { "server.address": address, ...(port !== undefined && { "server.port": Number(port) }) };
}

// For whoever asks, an error begins at 400. An attempt that was called off is none.
function endClient(span: Span, { status, failure }: AttemptEnd): void {
  if (status !== undefined) span.setAttribute("http.response.status_code", status);
  if (failure === "cancelled") span.setAttribute("attempt_cancelled", true);
  else if (failure !== undefined) fail(span, failure);
  else if (status !== undefined && status >= 400) fail(span, `${status}`);
  span.end();
}

// A server has only done wrong from 500 on.
function endServer(span: Span, { response, responseFlags }: RequestInfo): void {
  if (response !== undefined) span.setAttribute("http.response.status_code", response.status);
  if (responseFlags !== "") span.setAttribute("response_flags", responseFlags);
  if (response === undefined) fail(span, responseFlags);
  else if (response.status >= 500) fail(span, `${response.status}`);
  span.end();
}

function fail(span: Span, type: string): void {
  span.setAttribute("error.type", type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}
