// A picture of a history: a lane for each process, a bar for each operation from its call to its
// return, and on the bars the moments at which the operations may have taken effect.
//
// Only the order of events counts, so the picture has no clock: from one event to the next is as
// far as the labels need. Long parts are cut to the operations before the point that could not be
// passed.
import { type Model, UNKNOWN } from "./model.ts";
import type { History, Operation } from "./operation.ts";

/** A moment at which an operation may have taken effect. */
export interface Point {
  /** Its number in the order, from 1. */
  readonly rank: number;
  /** Pixels from the left. */
  readonly x: number;
  /** Which bar it sits on, as a place in the history. */
  readonly place: number;
  /** The state after it. */
  readonly state: string;
}

/** An operation in the picture. */
export interface Bar {
  readonly place: number;
  readonly label: string;
  /** Pixels from the left, to the call and to the return. */
  readonly from: number;
  readonly to: number;
  /** Whether nobody saw an answer. */
  readonly open: boolean;
}

/** What is drawn. */
export interface Timeline {
  readonly lanes: readonly { readonly name: string; readonly bars: readonly Bar[] }[];
  /** For each order, its points in that order. */
  readonly orders: readonly (readonly Point[])[];
  /** Pixels. */
  readonly width: number;
}

const CHARACTER = 6.6;
const GAP_LEAST = 18;
const POINT = 13;

/** Lays out those operations of a history, and the part of each order that concerns them. */
export function layOut<State, Input, Output>(
  history: History<Input, Output>,
  model: Model<State, Input, Output>,
  places: readonly number[],
  orders: readonly (readonly number[])[],
): Timeline {
  const shown = new Set(places);
  const at = (place: number) => history[place] as Operation<Input, Output>;
  const labels = new Map(places.map((place) => [place, labelOf(model, at(place))]));
  const columns = columnsOf(places.map(at));
  const x = positions(places, at, labels, columns);
  const end = (x.at(-1) ?? 0) + GAP_LEAST;
  const barOf = (place: number): Bar => {
    const { call, return: returned } = at(place);
    const from = x[columns.get(`call ${call}`) as number] as number;
    const to =
      returned === undefined ? end : (x[columns.get(`return ${returned}`) as number] as number);
    return { place, label: labels.get(place) as string, from, to, open: returned === undefined };
  };
  const bars = new Map(places.map((place) => [place, barOf(place)]));
  return {
    lanes: lanesOf(places, at, (place) => bars.get(place) as Bar),
    orders: orders.map((order) => pointsOf(history, model, order, shown, bars)),
    width: end,
  };
}

/** An operation in words, even if the model has none for it. */
export function labelOf<Input, Output>(
  model: Pick<Model<never, Input, Output>, "describe">,
  { input, output, return: returned }: Operation<Input, Output>,
): string {
  const answer = returned === undefined ? UNKNOWN : (output as Output);
  const words = model.describe?.(input, answer);
  if (words !== undefined) return words;
  const asked = JSON.stringify(input) ?? String(input);
  return answer === UNKNOWN ? asked : `${asked}: ${JSON.stringify(answer)}`;
}

// The events in order, calls first where they coincide; equal events share a column.
function columnsOf(operations: History): Map<string, number> {
  const events: { readonly key: string; readonly time: number; readonly rank: number }[] = [];
  for (const { call, return: returned } of operations) {
    events.push({ key: `call ${call}`, time: call, rank: 0 });
    if (returned !== undefined) events.push({ key: `return ${returned}`, time: returned, rank: 1 });
  }
  events.sort((a, b) => a.time - b.time || a.rank - b.rank);
  const columns = new Map<string, number>();
  for (const { key } of events) if (!columns.has(key)) columns.set(key, columns.size);
  return columns;
}

// From left to right, each column as near to the one before it as the labels that end here allow.
function positions<Input, Output>(
  places: readonly number[],
  at: (place: number) => Operation<Input, Output>,
  labels: ReadonlyMap<number, string>,
  columns: ReadonlyMap<string, number>,
): number[] {
  const ending = new Map<number, { readonly from: number; readonly needs: number }[]>();
  for (const place of places) {
    const { call, return: returned } = at(place);
    const column = columns.get(`return ${returned}`);
    if (column === undefined) continue;
    const from = columns.get(`call ${call}`) as number;
    const needs = (labels.get(place) as string).length * CHARACTER + GAP_LEAST;
    ending.set(column, [...(ending.get(column) ?? []), { from, needs }]);
  }
  const x: number[] = [];
  for (let column = 0; column < columns.size; column++) {
    let here = (x.at(-1) ?? 0) + GAP_LEAST;
    for (const { from, needs } of ending.get(column) ?? []) {
      here = Math.max(here, (x[from] as number) + needs);
    }
    x.push(here);
  }
  return x;
}

// A lane for each process. A process has one call at a time; whoever gave no process, or a process
// that went on after a call of unknown outcome, gets further lanes as needed.
function lanesOf<Input, Output>(
  places: readonly number[],
  at: (place: number) => Operation<Input, Output>,
  barOf: (place: number) => Bar,
): Timeline["lanes"] {
  const lanes = new Map<string, { name: string; bars: Bar[] }[]>();
  for (const place of places.toSorted((a, b) => at(a).call - at(b).call)) {
    const bar = barOf(place);
    const name = String(at(place).process ?? "");
    const own = lanes.get(name) ?? [];
    lanes.set(name, own);
    const free = own.find(({ bars }) => (bars.at(-1) as Bar).to <= bar.from);
    if (free === undefined) own.push({ name, bars: [bar] });
    else free.bars.push(bar);
  }
  const collator = new Intl.Collator("en", { numeric: true });
  return [...lanes.values()].flat().toSorted((a, b) => collator.compare(a.name, b.name));
}

// The whole order is replayed, since states depend on what is not shown, too.
function pointsOf<State, Input, Output>(
  history: History<Input, Output>,
  model: Model<State, Input, Output>,
  order: readonly number[],
  shown: ReadonlySet<number>,
  bars: ReadonlyMap<number, Bar>,
): Point[] {
  const points: Point[] = [];
  let state = model.init();
  let x = 0;
  for (const [index, place] of order.entries()) {
    const { input, output, return: returned } = history[place] as Operation<Input, Output>;
    const answer = returned === undefined ? UNKNOWN : (output as Output);
    state = model.step(state, input, answer) ?? state;
    const bar = shown.has(place) ? bars.get(place) : undefined;
    if (bar === undefined) continue;
    // As early as the order allows, and within the bar.
    x = Math.min(Math.max(x + POINT, bar.from + POINT / 2), bar.to);
    points.push({ rank: index + 1, x, place, state: describeState(model, state) });
  }
  return points;
}

function describeState<State>(
  model: Pick<Model<State, never, never>, "describeState">,
  state: State,
): string {
  return model.describeState?.(state) ?? JSON.stringify(state) ?? String(state);
}
