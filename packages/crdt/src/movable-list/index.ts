export type { MovableListChange } from "./changes.ts";
export { MovableList, type MovableListListener, type MovableListStats } from "./movable-list.ts";
