export {
  type CheckInTurnsOptions,
  type CheckOptions,
  type CheckResult,
  check,
  checkInTurns,
  type PartResult,
  type Verdict,
} from "./check.ts";
export {
  type Counterexample,
  type CounterexampleOptions,
  counterexample,
} from "./counterexample.ts";
export { HistoryError, type HistoryErrorCode } from "./errors.ts";
export type { Format } from "./formats/parse.ts";
export { renderTimeline, type TimelineOptions } from "./html.ts";
export { type Foreseen, type Model, UNKNOWN } from "./model.ts";
export { type KvInput, type KvOutput, type KvState, kvModel } from "./models/kv.ts";
export { type LockInput, type LockOutput, type LockState, lockModel } from "./models/lock.ts";
export { type QueueInput, type QueueOutput, queueModel } from "./models/queue.ts";
export {
  type RegisterInput,
  type RegisterOutput,
  type RegisterState,
  registerModel,
} from "./models/register.ts";
export { type SetInput, type SetOutput, setModel } from "./models/set.ts";
export { UNOBSERVED, type Value } from "./models/values.ts";
export type { History, Operation } from "./operation.ts";
export {
  type ModelName,
  modelNames,
  type ReadHistory,
  type ReadHistoryOptions,
  readHistory,
} from "./read-history.ts";
export { type PendingCall, Recorder, type RecorderOptions } from "./recorder.ts";
