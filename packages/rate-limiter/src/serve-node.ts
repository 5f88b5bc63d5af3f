// One exchange of node:http at the gate: asked about, kept waiting, let in, and given back when its
// response is closed. For the edges that stand on node:http.
import type { ServerResponse } from "node:http";
import type { Decision } from "./decision.ts";
import { KEY_REFUSAL, type Refusal, refusalOf } from "./refusal.ts";
import { type FieldOptions, fieldsOf } from "./response-fields.ts";
import type { Gate, ServeOptions, Verdict } from "./serve.ts";

/** Options that every HTTP edge takes. */
export interface HttpServeOptions<R> extends ServeOptions<R>, FieldOptions {
  /** Makes another answer of a refusal: its status, its words, its media type. */
  refuse?: (refusal: Refusal, request: R) => Refusal;
}

/** A request at the gate. */
export interface Exchange<R> {
  /** What asks. */
  readonly gate: Gate<R>;
  /** What it asks about: what a framework has made of the request. */
  readonly request: R;
  /** Where it is answered. */
  readonly response: ServerResponse;
  /** What the edge was given. */
  readonly options: HttpServeOptions<R>;
}

/** What may become of a request; one of these is called, once. */
export interface Ways {
  /** It is let in. */
  pass(): void;
  /** It is to be answered with this; the fields are on the response. */
  refuse(refusal: Refusal): void;
  /** Somebody threw. */
  fail(error: unknown): void;
  /** Nobody is left to be answered. */
  gone(): void;
}

/** Sends a request one of its ways; in this very turn if the limiter answers at once. */
export function enter<R>(exchange: Exchange<R>, ways: Ways): void {
  const { gate, request, response } = exchange;
  let verdict: Verdict | Promise<Verdict>;
  try {
    verdict = gate.ask(request);
  } catch (error) {
    return ways.fail(error);
  }
  if (!(verdict instanceof Promise)) return obey(verdict, exchange, ways, response.destroyed);
  let closed = false;
  response.once("close", () => {
    closed = true;
  });
  // While a distant limiter thinks about it, the client may leave, or be answered by others.
  const heed = (verdict: Verdict) =>
    obey(verdict, exchange, ways, closed || response.destroyed || response.headersSent);
  void verdict.then(heed, ways.fail);
}

/** The answer to a request that is refused, after the user has had a say. */
export function refusalFor<R>(
  verdict: Verdict & { kind: "refuse" | "bad-key" },
  request: R,
  { refuse }: HttpServeOptions<R>,
): Refusal {
  const refusal = verdict.kind === "refuse" ? refusalOf(verdict.decision) : KEY_REFUSAL;
  return refuse === undefined ? refusal : refuse(refusal, request);
}

/** Calls `end` when a response has been sent, with its status, or cut off, without. */
export function whenOver(response: ServerResponse, end: (status?: number) => void): void {
  // Whoever hangs up before the answer must not get what only a successful answer gives back: the
  // status code is 200 until somebody says otherwise.
  response.once("finish", () => end(response.statusCode));
  response.once("close", () => end());
}

function obey<R>(verdict: Verdict, exchange: Exchange<R>, ways: Ways, isOver: boolean): void {
  if (verdict.kind === "skip") return ways.pass();
  const { response, request, options } = exchange;
  if (verdict.kind === "pass" && verdict.end !== undefined) {
    if (isOver) verdict.end();
    else whenOver(response, verdict.end);
  }
  const delayed = verdict.kind === "pass" && verdict.decision.delayMs > 0;
  const turn = delayed ? turnOf(verdict.decision, exchange, isOver) : undefined;
  if (isOver) return turn === undefined ? ways.gone() : void turn.then(ways.gone, ways.gone);
  if (verdict.kind !== "bad-key") {
    for (const [name, value] of fieldsOf(verdict.decision, verdict.rules, options)) {
      response.appendHeader(name, value);
    }
  }
  if (verdict.kind !== "pass") {
    let refusal: Refusal;
    try {
      refusal = refusalFor(verdict, request, options);
    } catch (error) {
      return ways.fail(error);
    }
    return ways.refuse(refusal);
  }
  if (turn === undefined) ways.pass();
  else void turn.then(ways.pass, ways.gone);
}

// The wait ends with the response: a client that goes away is waited for no longer.
async function turnOf<R>(
  decision: Decision,
  { gate, response }: Exchange<R>,
  isOver: boolean,
): Promise<void> {
  const gone = new AbortController();
  const abort = () => gone.abort();
  if (isOver) abort();
  else response.once("close", abort);
  try {
    await gate.turn(decision, gone.signal);
  } finally {
    response.removeListener("close", abort);
  }
}
