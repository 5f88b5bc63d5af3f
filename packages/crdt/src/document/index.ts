export type { DocumentEvent } from "./audience.ts";
export { CONTAINERS_MAX } from "./containers.ts";
export type { ContainerDiff, DocumentDiff } from "./difference.ts";
export { Document } from "./document.ts";
export type { DocumentMerge, DocumentOptions, DocumentStats } from "./options.ts";
export {
  addWinsMap,
  addWinsSet,
  boundedCounter,
  type ContainerType,
  disableWinsFlag,
  enableWinsFlag,
  growCounter,
  growSet,
  type ListReader,
  type ListWriter,
  list,
  lwwRegister,
  type MovableListReader,
  type MovableListWriter,
  movableList,
  mvRegister,
  type Past,
  pnCounter,
  type Readers,
  removeWinsMap,
  removeWinsSet,
  type Schema,
  schemaDigest,
  type TextReader,
  type TextWriter,
  type TreeReader,
  type TreeWriter,
  text,
  tree,
  twoPhaseSet,
  type ValueReader,
  type ValueType,
  type Writers,
} from "./schema.ts";
export type { SequenceSplice } from "./sequence-slot.ts";
export type { Conflict, Heard } from "./slot.ts";
