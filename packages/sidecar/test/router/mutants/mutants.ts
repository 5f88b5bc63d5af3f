// Planted bugs, one for each trap that retries, hedges, deadlines, mirrors and forwarded fields are
// known to fall into.
import type { Mutant } from "@compendium/house/planted";

const inFile =
  (file: string) =>
  (name: string, search: string, replacement: string): Mutant => {
    return { name, file: `router/${file}`, search, replacement };
  };

const state = inFile("retry-state.ts");
const call = inFile("upstream-call.ts");
const attempt = inFile("attempt.ts");
const body = inFile("request-body.ts");
const exchange = inFile("exchange.ts");
const path = inFile("response-path.ts");
const mirror = inFile("mirror.ts");
const deadline = inFile("deadline-fields.ts");
const router = inFile("request-router.ts");
const routed = inFile("routed-call.ts");
const hash = inFile("request-hash.ts");
const address = inFile("client-address.ts");
const fields = inFile("forwarding-fields.ts");
const replies = inFile("failure-replies.ts");
const timers = inFile("request-timers.ts");

export const mutants: readonly Mutant[] = [
  state(
    "a rate limit is answered with more",
    'if (fields.has("x-envoy-ratelimited")) return false;',
    "",
  ),
  state("every 5xx is the gateway's", "status >= 502 && status <= 504", "status >= 500"),
  state("pauses do not grow", "baseMs * 2 ** this.#retries", "baseMs"),
  state(
    "pauses grow for ever",
    "Math.min(maxMs, baseMs * 2 ** this.#retries)",
    "baseMs * 2 ** this.#retries",
  ),
  state("all who were sent away come back together", "wishMs + this.#below(wishMs / 2)", "wishMs"),
  state("Retry-After has no bound", "|| wishMs > policy.retryAfterMsMax", ""),
  state("Retry-After of 0 takes the pause away", "Math.max(answer.afterMs, ", "Math.max(0, "),
  state("a breaker is not asked", 'if (!breakers.take("retries"))', "if (false)"),
  state(
    "one retry too many",
    "this.#retries < this.#policy.retries",
    "this.#retries <= this.#policy.retries",
  ),
  state("a hedge needs a name", "if (!isHedged && !on.has", "if (!on.has"),
  state("an overflow is retried", 'case "overflow":\n    case "closed":', 'case "closed":'),
  call(
    "a retry that waited is not given back when nobody waits any more",
    'this.#options.plan.breakers.give("retries");',
    "",
  ),
  call(
    "a retry without a host is not given back",
    'if (isRetry) plan.breakers.give("retries");',
    "",
  ),
  call(
    "the body's beginning is not kept for a retry that waits",
    "const waiting = this.#options.body.read();",
    "const waiting: BodyReader = { position: 1e9, [Symbol.dispose]() {} } as never;",
  ),
  call("the loser of a hedge goes on", 'attempt.abandon("cancelled");', ""),
  call(
    "a bad answer wins over one that may come",
    "if (this.#attempts.size > 1 || this.#waiting !== undefined) {",
    "if (false) {",
  ),
  call(
    "a POST is repeated because a connection closed",
    "isReused && idempotent.has(plan.head.method)",
    "isReused",
  ),
  call("repeating never ends", "this.#hasRepeated = true;", ""),
  call(
    "a repetition may meet the next old connection",
    "isFresh: failure.isReused",
    "isFresh: false",
  ),
  call("half a body is sent again", "this.#hasRepeated || !body.canRewind", "this.#hasRepeated"),
  call(
    "attempts share their fields",
    "fields: plan.head.fields.copy()",
    "fields: plan.head.fields",
  ),
  call("the host that was tried is forgotten", "this.#tried.push(destination.host);", ""),
  call(
    "a late try ends its request",
    "if (isHedged) numbers.hedges++;",
    "if (isHedged) attempt.timeOut();",
  ),
  attempt("a breaker's place is kept", 'if (this.#isCounted) breakers.give("requests");', ""),
  attempt("a retry's place is kept", 'if (isRetry) breakers.give("retries");', ""),
  attempt(
    "a slow client uses up upstream's time",
    "if (this.#options.body.hasEnded && !this.#isTimed)",
    "if (!this.#isTimed)",
  ),
  attempt(
    "a try's time does not end with its answer's head",
    "this.#timer.stop();\n    this.#idle?.touch();",
    "this.#idle?.touch();",
  ),
  attempt(
    "who was late and called off says nothing",
    'this.#isLate ? "timed-out" : "cancelled"',
    '"cancelled"',
  ),
  attempt(
    "gRPC's failures are successes",
    "this.#isGrpc ? statusOfGrpcAnswer(head) : head.status",
    "head.status",
  ),
  attempt("a wish for a connection stays", "this.#wish?.[Symbol.dispose]();", ""),
  body("a reader does not stop", "while (isWritable) {", "while (true) {"),
  body(
    "what is sent is forgotten though it may be sent again",
    "if (!this.#isKept) this.#dropSent();\n  }\n\n  /** For a reader: it is done",
    "this.#dropSent();\n  }\n\n  /** For a reader: it is done",
  ),
  body(
    "the slower reader loses",
    "Math.min(sent, position)",
    "Math.max(sent === Number.POSITIVE_INFINITY ? 0 : sent, position)",
  ),
  body("everything is kept", "this.#bytes > this.#keptBytesMax ||", "false ||"),
  body("pieces cost nothing by themselves", "this.#parts.length > partsMax", "false"),
  body("small pieces stay apart", "chunk.length > smallBytes ||", "chunk.length > 0 ||"),
  body("what was sent still grows", "if (position > number) return false;", ""),
  body("the end of a small piece is lost", "last.end = end;", ""),
  exchange(
    "a client that went away is forgotten",
    "this.#call?.abandon(reason);\n    this.#finish();",
    "this.#finish();",
  ),
  exchange(
    "an early answer leaves upstream reading",
    "if (this.#isThrough) this.#call?.end();",
    "if (this.#body.hasEnded) this.#call?.end();",
  ),
  exchange(
    "a tunnel ends with its first end",
    "return !this.#isTunnel || this.#body.isDrained;",
    "return true;",
  ),
  exchange("the tail of a tunnel is lost", "this.#body.isDrained", "this.#body.hasEnded"),
  attempt(
    "half a request is a whole one",
    "if (this.#reader.hasEnded) this.#close",
    "if (this.#options.body.hasEnded) this.#close",
  ),
  exchange("a refused tunnel never ends", "head.status === 101", "head.status > 0"),
  exchange(
    "the client is never paused",
    "if (this.#isPaused) this.#client.pause();",
    "if (false) this.#client.pause();",
  ),
  exchange("the end of an attempt is not told", "observer.onAttemptEnd?.(", "void (0, () => {})("),
  attempt(
    "an attempt without a connection ends, too",
    "if (this.#head !== undefined) owner.onSentEnd(this.#head,",
    "owner.onSentEnd(this.#head!,",
  ),
  attempt(
    "gRPC's status is taken for HTTP's",
    "owner.onSentEnd(this.#head, this.#sentStatus,",
    "owner.onSentEnd(this.#head, this.#status,",
  ),
  attempt("what was called off has failed", "    ? outcome\n", '    ? "failed"\n'),
  exchange(
    "a request ends before its attempt",
    "if (end) this.#endCall();\n    const isWritable = this.#response.sendData(chunk, end);",
    "const isWritable = this.#response.sendData(chunk, end);\n    if (end) this.#endCall();",
  ),
  call(
    "an attempt has the host of the one beside it",
    "info.host = destination.host;\n    info.forwarded",
    "info.forwarded",
  ),
  exchange("upstream is never paused", "if (!end && !isWritable) this.#call?.pauseResponse();", ""),
  exchange(
    "a deadline counts from the decision",
    "Math.max(1, ms - info.elapsedMs())",
    "Math.max(1, ms)",
  ),
  exchange("the time runs on after the end", "this.#timers[Symbol.dispose]();", ""),
  exchange(
    "mirrors of half a request stay",
    "if (!this.#body.hasEnded) for (const mirror of this.#mirrors) mirror.abandon();",
    "",
  ),
  path(
    "a stage's answer to a backlog is not asked",
    "if (this.#stages.every((stage) => stage.onWritable())) this.#owner.onReady();",
    "this.#owner.onReady();",
  ),
  path(
    "a stage that is cut short is not told",
    "for (const stage of this.#stages) stage.abort();",
    "",
  ),
  mirror(
    "a mirror that cannot keep up is waited for",
    "if (isBehind && this.#options.body.bytes > this.#options.waitingBytesMax) this.abandon();",
    "void isBehind;",
  ),
  mirror("a mirror that says nothing stays", "this.#stop((attempt) => attempt.timeOut());", ""),
  deadline("the caller's wish is not bounded", "Math.min(wished, grpcTimeoutMsMax)", "wished"),
  deadline("a caller without patience has no deadline", "Math.max(1, ms), from", "ms, from"),
  deadline(
    "a caller's deadline is lengthened",
    "if (grpcTimeoutMsMax === undefined || !isGrpc(head)) return;",
    "",
  ),
  deadline("minutes are months", "M: 60_000", "M: 60_000_000"),
  routed("a hedge is told a try's time", "hedge?.onPerTryTimeout ? 0 : ", ""),
  routed(
    "filters spend upstream's time",
    "Math.max(requestDurationMs, this.#decidedAtMs)",
    "requestDurationMs",
  ),
  routed("a second attempt is told the whole time", "timeoutMs - spentMs);", "timeoutMs);"),
  router(
    "answers from here are not edited",
    "if (share !== undefined) applyEdits(share.headers.response, head.fields, info);",
    "",
  ),
  router(
    "a split's edits come last",
    "if (info.share !== undefined) applyEdits(info.share.headers.request, sent.fields, info);\n  applyEdits(headers.request, sent.fields, info);",
    "applyEdits(headers.request, sent.fields, info);\n  if (info.share !== undefined) applyEdits(info.share.headers.request, sent.fields, info);",
  ),
  router(
    "a mirror is taken for the request",
    "keepsAuthority ? sent.authority : shadowAuthority(sent.authority)",
    "sent.authority",
  ),
  router("a mirror is always sent", "this.#options.random.below(1_000_000) >= fraction", "false"),
  router(
    "a route's silence is the manager's",
    "return own ?? timers.streamIdleTimeoutMs;",
    "return own || timers.streamIdleTimeoutMs;",
  ),
  hash(
    "hashes are xored as they are, and two of a kind are none",
    "rotated(hash) ^ next",
    "hash ^ next",
  ),
  hash("a terminal policy does not end", "if (policy.terminal && hash !== undefined) break;", ""),
  hash(
    "a terminal policy ends without a hash",
    "policy.terminal && hash !== undefined",
    "policy.terminal",
  ),
  hash("a list's order counts", "values.sort().join", "values.join"),
  hash(
    "an empty cookie is one",
    "cookieOf(head, policy.name) || undefined",
    "cookieOf(head, policy.name)",
  ),
  address(
    "one hop too far",
    "listed.length - trustedHops - (usesRemoteAddress ? 0 : 1)",
    "listed.length - trustedHops - 1",
  ),
  address("the first of a list is believed", "listed[at]?.trim()", "listed[0]?.trim()"),
  address("what is no address is one", "isIP(address) === 0", 'address === ""'),
  fields("an outsider's word on the scheme counts", "!isTrusted || !fields.has", "!fields.has"),
  fields(
    "the mesh's request id is replaced",
    "wishes.keepsRequestId || !usesRemoteAddress",
    "wishes.keepsRequestId",
  ),
  fields("a client says who it is", 'name === "x-forwarded-client-cert" || ', ""),
  fields("anybody steers the mesh", 'isEdge && name.startsWith("x-envoy-")', "false"),
  fields("the mesh itself is not believed", "isEdge && name.startsWith", "name.startsWith"),
  router(
    "a rewrite climbs",
    "normalize && sent.path !== head.path && hasDotSegments(sent.path)",
    "false",
  ),
  attempt("hints without end", "this.#interimBytes <= interimBytesMax", "true"),
  attempt("hints cost nothing by themselves", "this.#interimBytes += interimOverheadBytes;", ""),
  attempt("upstream goes on hinting", 'this.#stream?.reset("overload");', ""),
  replies("a late client is upstream's fault", "hasRequest ? 504 : 408", "504"),
  replies("an answer that broke off never began", 'hasResponse ? "after" : "before"', '"before"'),
  timers("a byte is silence", "this.#idle?.touch();", ""),
];
