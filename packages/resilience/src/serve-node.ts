// One exchange of node:http inside a pipeline: from the request's headers until its response is
// closed, or its client gone. For the edges that stand on node:http.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Call } from "./call.ts";
import type { Pipeline } from "./pipeline.ts";
import { clientGone, type Reader } from "./serve.ts";

/** One exchange of node:http. */
export interface Exchange<R> {
  /** What was asked. */
  readonly request: IncomingMessage;
  /** Where it is answered. */
  readonly response: ServerResponse;
  /** What a framework has made of the request. */
  readonly subject: R;
  /** What may still run when the response is closed; its failure is the work's. */
  readonly rest?: () => Promise<void>;
}

/**
 * Runs `work` for one exchange of node:http. Rejects with what it is to be answered with;
 * or with undefined, when there is nobody to answer.
 */
export async function serveNode<R>(
  pipeline: Pipeline,
  reader: Reader<R>,
  { request, response, subject, rest }: Exchange<R>,
  work: (call: Call) => unknown,
): Promise<void> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const gone = new AbortController();
  response.once("finish", resolve);
  response.once("close", () => {
    if (!response.writableFinished) gone.abort(clientGone());
    resolve();
  });
  const header = reader.deadlineHeader && request.headers[reader.deadlineHeader];
  const callOptions = reader.read(subject, header?.toString(), gone.signal);
  try {
    await pipeline.call(async (call) => {
      await work(call);
      await closed;
      await rest?.();
    }, callOptions);
  } catch (error) {
    throw gone.signal.aborted ? undefined : error;
  }
}
