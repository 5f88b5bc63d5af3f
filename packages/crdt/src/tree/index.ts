export { MovableTree, type TreeChange, type TreeJson } from "./movable-tree.ts";
export { type Move, ROOT, TRASH } from "./move.ts";
export { type Base, TreeDelta } from "./tree-delta.ts";
