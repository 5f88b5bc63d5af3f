// Writes down what clients do while they do it. The order of the calls of these functions is the
// history: in one process it is exact, where timestamps have a resolution and clocks may disagree.
//
//   const call = recorder.call({ f: "read" }, { process: 3 });   // before the request leaves
//   call.ok(value);                                                // after the answer came
import { atLeast } from "./limits.ts";
import type { History, Operation } from "./operation.ts";

/** Bounds of a recorder. */
export interface RecorderOptions {
  /** Operations kept; default one million. Then `call` throws: half a history proves nothing. */
  readonly operationsMax?: number | undefined;
}

/** A call that is on its way. The first of the three decides; later ones throw. */
export interface PendingCall<Output> {
  /** The answer came. */
  ok(output: Output): void;
  /** It certainly had no effect, and never will: a refused connection. It leaves the history. */
  fail(): void;
  /** Nobody knows: a timeout, a reset. It may take effect at any time after its call, or never. */
  unknown(): void;
}

type Writable<Input, Output> = {
  -readonly [name in keyof Operation<Input, Output>]: Operation<Input, Output>[name];
};

const OPERATIONS_MAX = 1_000_000;

/** Collects a history, one event after the other. */
export class Recorder<Input, Output> {
  readonly #operations: (Writable<Input, Output> | undefined)[] = [];
  readonly #operationsMax: number;
  #now = 0;
  #open = 0;

  constructor({ operationsMax = OPERATIONS_MAX }: RecorderOptions = {}) {
    atLeast("operationsMax", operationsMax, 1);
    this.#operationsMax = operationsMax;
  }

  /** Calls that are neither answered, failed nor given up. */
  get open(): number {
    return this.#open;
  }

  /**
   * Notes that a request is about to leave.
   *
   * @throws RangeError when `operationsMax` are recorded
   */
  call(input: Input, { process }: { process?: number | string } = {}): PendingCall<Output> {
    const operations = this.#operations;
    if (operations.length >= this.#operationsMax) {
      throw new RangeError(`operationsMax (${this.#operationsMax}) operations are recorded`);
    }
    const operation: Writable<Input, Output> = { input, call: this.#now++, process };
    const place = operations.push(operation) - 1;
    this.#open++;
    let ended: string | undefined;
    const end = (how: string): void => {
      if (ended !== undefined) throw new TypeError(`the call has ended with ${ended}, not ${how}`);
      ended = how;
      this.#open--;
    };
    return {
      ok: (output) => {
        end("ok");
        operation.output = output;
        operation.return = this.#now++;
      },
      fail: () => {
        end("fail");
        operations[place] = undefined;
      },
      unknown: () => end("unknown"),
    };
  }

  /** What was seen until now. Calls on their way count as of unknown outcome. */
  history(): History<Input, Output> {
    return this.#operations.filter((each) => each !== undefined).map((each) => ({ ...each }));
  }
}
