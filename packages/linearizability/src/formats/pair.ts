// Joins each call with what came of it. Positions in the file are the times: a log is written in
// the order in which things happened, and its timestamps may be coarser than that.
import { HistoryError } from "../errors.ts";
import type { Operation } from "../operation.ts";
import type { HistoryEvent } from "./event.ts";

/** A call, and its completion if there was one. */
export interface Call {
  readonly invoke: HistoryEvent;
  readonly completion: HistoryEvent | undefined;
}

/** How the words of a history become operations of a model. */
export interface Vocabulary<Input, Output> {
  /** What was asked; refuses what the model does not know. */
  input(invoke: HistoryEvent, refuse: (message: string) => never): Input;
  /** What an `ok` answered. */
  output(input: Input, ok: HistoryEvent, refuse: (message: string) => never): Output;
  /** What a `fail` answered; `undefined` where it certainly did nothing, and is left out. */
  failed?(input: Input, fail: HistoryEvent): { readonly output: Output } | undefined;
}

/**
 * The operations of a history, in the order of their calls.
 *
 * @throws HistoryError with the line at fault
 */
export function operationsOf<Input, Output>(
  events: readonly HistoryEvent[],
  vocabulary: Vocabulary<Input, Output>,
): Operation<Input, Output>[] {
  const operations: Operation<Input, Output>[] = [];
  for (const call of pair(events)) {
    const operation = read(call, vocabulary);
    if (operation !== undefined) operations.push(operation);
  }
  return operations;
}

function read<Input, Output>(
  { invoke, completion }: Call,
  vocabulary: Vocabulary<Input, Output>,
): Operation<Input, Output> | undefined {
  const input = vocabulary.input(invoke, refuseAt(invoke));
  const called = { input, call: invoke.line, process: invoke.process };
  if (completion === undefined || completion.type === "info") return called;
  if (completion.type === "ok") {
    const output = vocabulary.output(input, completion, refuseAt(completion));
    return { ...called, output, return: completion.line };
  }
  const failed = vocabulary.failed?.(input, completion);
  return failed && { ...called, ...failed, return: completion.line };
}

function pair(events: readonly HistoryEvent[]): Call[] {
  const calls: { invoke: HistoryEvent; completion: HistoryEvent | undefined }[] = [];
  const open = new Map<number | string, number>();
  for (const event of events) {
    const at = open.get(event.process);
    if (event.type === "invoke") {
      if (at !== undefined) {
        const since = (calls[at] as Call).invoke.line;
        throw order(
          `process ${event.process} calls while its call of line ${since} is open`,
          event,
        );
      }
      open.set(event.process, calls.push({ invoke: event, completion: undefined }) - 1);
      continue;
    }
    const call = at === undefined ? undefined : calls[at];
    if (call === undefined) {
      throw order(`process ${event.process} has no open call to end with ${event.type}`, event);
    }
    if (event.f !== undefined && event.f !== call.invoke.f) {
      const called = `${call.invoke.f} in line ${call.invoke.line}`;
      throw order(`process ${event.process} ends ${event.f}, but has called ${called}`, event);
    }
    call.completion = event;
    open.delete(event.process);
  }
  return calls;
}

const order = (message: string, { line }: HistoryEvent): HistoryError => {
  return new HistoryError("HISTORY_ORDER", message, line);
};

function refuseAt({ line }: HistoryEvent): (message: string) => never {
  return (message) => {
    throw new HistoryError("HISTORY_OPERATION", message, line);
  };
}
