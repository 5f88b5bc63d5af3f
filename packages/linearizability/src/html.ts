// The report as one page that needs nothing else: no script, no font, no request. What came from
// the history is data, and is escaped wherever it stands.
import type { CheckResult, PartResult } from "./check.ts";
import type { Counterexample } from "./counterexample.ts";
import type { Model } from "./model.ts";
import type { History, Operation } from "./operation.ts";
import { type Bar, labelOf, layOut, type Point } from "./timeline.ts";

/** What the page shows. */
export interface TimelineOptions<Input, Output> {
  /** Title of the page. */
  readonly title?: string | undefined;
  /** Shown first, if there is one. */
  readonly counterexample?: Counterexample<Input, Output> | undefined;
  /** Parts shown, illegal ones first; default 12. */
  readonly partsMax?: number | undefined;
  /** Operations shown of a part, the last before its obstacle; default 150. */
  readonly operationsMax?: number | undefined;
}

/** A page of HTML that shows what was checked, and where it went wrong. */
export function renderTimeline<State, Input, Output>(
  history: History<Input, Output>,
  model: Model<State, Input, Output>,
  result: CheckResult,
  options: TimelineOptions<Input, Output> = {},
): string {
  const { partsMax = 12, operationsMax = 150, counterexample: proof } = options;
  const { title = `${model.name}: ${result.verdict}` } = options;
  const ranks = { illegal: 0, unknown: 1, ok: 2 };
  const parts = result.parts.toSorted((a, b) => ranks[a.verdict] - ranks[b.verdict]);
  const sections = parts.slice(0, partsMax).map((part, index) => {
    return partSection(history, model, part, { index, operationsMax });
  });
  const left = parts.length - sections.length;
  return page(title, [
    heading(title, result, history.length),
    proof === undefined ? "" : proofSection(history, model, proof),
    ...sections,
    left > 0 ? `<p class="note">${count(left, "more part")} not shown.</p>` : "",
  ]);
}

function heading(
  title: string,
  { verdict, parts, steps, configurations }: CheckResult,
  n: number,
): string {
  const facts = [
    count(n, "operation"),
    count(parts.length, "part"),
    count(configurations, "configuration"),
    count(steps, "step"),
  ];
  return `<h1>${escaped(title)} <span class="verdict ${verdict}">${verdict}</span></h1>
<p>${facts.join(" · ")}</p>
<p class="legend"><span class="bar"><i>answered</i></span> <span class="bar open"><i>no answer seen</i></span>
<span class="bar out"><i>not in this order</i></span> <span class="bar obstacle"><i>the orders end before its return</i></span>
<span class="dot">1</span> takes effect here; point at it for the state</p>`;
}

function proofSection<State, Input, Output>(
  history: History<Input, Output>,
  model: Model<State, Input, Output>,
  { places, minimal }: Counterexample<Input, Output>,
): string {
  const kind = minimal ? "A minimal counterexample" : "A counterexample";
  return `<section><h2>${kind}</h2>
<p>${count(places.length, "operation")} that no order explains, whatever became of all others.</p>
${drawing(history, model, places, { orders: [], index: "proof" })}</section>`;
}

function partSection<State, Input, Output>(
  history: History<Input, Output>,
  model: Model<State, Input, Output>,
  part: PartResult,
  { index, operationsMax }: { readonly index: number; readonly operationsMax: number },
): string {
  const { key, verdict, orders, obstacle, exhausted } = part;
  const places = excerpt(history, part, operationsMax);
  const name = key === undefined || key === "" ? "The history" : `Part ${key}`;
  const notes = [
    obstacle === undefined
      ? ""
      : `The orders end before the return of “${labelOf(model, history[obstacle] as Operation<Input, Output>)}”.`,
    exhausted === undefined ? "" : `Given up: no more ${exhausted}.`,
    places.length < part.places.length
      ? `${places.length} of ${count(part.places.length, "operation")} shown.`
      : "",
    orders.length > 1 ? `${orders.length} of the orders that came furthest:` : "",
  ];
  return `<section><h2>${escaped(name)} <span class="verdict ${verdict}">${verdict}</span></h2>
<p>${escaped(notes.filter((note) => note !== "").join(" "))}</p>
${drawing(history, model, places, { orders, obstacle, index: `${index}` })}</section>`;
}

// The last operations that were called before the obstacle returned.
function excerpt(
  history: History,
  { places, obstacle }: PartResult,
  operationsMax: number,
): readonly number[] {
  const callOf = (place: number): number => (history[place] as Operation).call;
  const end = obstacle === undefined ? undefined : history[obstacle]?.return;
  if (end === undefined) return places.slice(0, operationsMax);
  const called = places.filter((place) => callOf(place) <= end && place !== obstacle);
  const last = called.toSorted((a, b) => callOf(a) - callOf(b)).slice(-(operationsMax - 1));
  return [...last, obstacle as number];
}

interface Drawn {
  readonly orders: readonly (readonly number[])[];
  readonly obstacle?: number | undefined;
  readonly index: string;
}

function drawing<State, Input, Output>(
  history: History<Input, Output>,
  model: Model<State, Input, Output>,
  places: readonly number[],
  { orders, obstacle, index }: Drawn,
): string {
  const { lanes, orders: points, width } = layOut(history, model, places, orders);
  const styleOf = (place: number): string => {
    const out = orders.map((order, n) => (order.includes(place) ? "" : ` out-${n}`)).join("");
    return `${place === obstacle ? " obstacle" : ""}${out}`;
  };
  const rows = lanes.map(({ name, bars }) => {
    const own = new Set(bars.map(({ place }) => place));
    const dots = points.map((order, n) => {
      return order
        .filter(({ place }) => own.has(place))
        .map((point) => dot(point, n))
        .join("");
    });
    const drawn = bars.map((each) => bar(each, styleOf(each.place))).join("");
    return `<div class="lane"><b>${escaped(name)}</b><div>${drawn}${dots.join("")}</div></div>`;
  });
  const choices = orders.length < 2 ? [] : orders.keys();
  const tabs = [...choices].map((n) => {
    return `<label><input type="radio" name="order-${index}" value="${n}"${n === 0 ? " checked" : ""}> order ${n + 1}</label>`;
  });
  // Where it went wrong is at the right end, and in view.
  const only = `${orders.length < 2 ? " single" : ""}${obstacle === undefined ? "" : " stuck"}`;
  return `<div class="drawing${only}"><div class="tabs">${tabs.join(" ")}</div>
<div class="scroll"><div style="width:${Math.ceil(width + 90)}px">${rows.join("\n")}</div></div></div>`;
}

function bar({ label, from, to, open }: Bar, style: string): string {
  const place = `left:${Math.round(from)}px;width:${Math.max(4, Math.round(to - from))}px`;
  return `<span class="bar${open ? " open" : ""}${style}" style="${place}" title="${escaped(label)}"><i>${escaped(label)}</i></span>`;
}

function dot({ rank, x, state }: Point, order: number): string {
  return `<span class="dot order-${order}" style="left:${Math.round(x)}px" title="${rank}: then ${escaped(state)}">${rank}</span>`;
}

const count = (n: number, noun: string): string => {
  return `${n.toLocaleString("en-US")} ${noun}${n === 1 ? "" : "s"}`;
};

const entities: { readonly [character: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] as string);
}

// An order that is not chosen is hidden, and only the chosen one greys out what it does not hold.
const orderStyles = [0, 1, 2, 3].map((n) => {
  const chosen = `.drawing:has(input[value="${n}"]:checked)`;
  const one = n === 0 ? `, .single .order-0` : "";
  const grey = n === 0 ? `, .single .bar.out-0` : "";
  return `${chosen} .order-${n}${one} { display: block; }
${chosen} .bar.out-${n}:not(.obstacle)${grey}:not(.obstacle) { background: #eee; color: #777; border-color: #bbb; }`;
});

const style = `
body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem; color: #1b1b1b; background: #fff; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 2rem 0 0; } p { margin: .3rem 0 .6rem; }
.verdict { font-size: .8em; padding: .1em .6em; border-radius: 1em; color: #fff; }
.verdict.ok { background: #17743a; } .verdict.illegal { background: #b3261e; } .verdict.unknown { background: #8a5a00; }
.drawing.stuck .scroll { direction: rtl; } .scroll > div { direction: ltr; }
.scroll { overflow-x: auto; border: 1px solid #ddd; border-radius: 6px; padding: .5rem 0; }
.lane { display: flex; height: 46px; } .lane + .lane { border-top: 1px dotted #ddd; }
.lane > b { width: 64px; flex: none; padding: 12px 6px 0; text-align: right; font-weight: 600; color: #555;
  position: sticky; left: 0; background: #fff; z-index: 2; overflow: hidden; font-size: 12px; }
.lane > div { position: relative; flex: 1; }
.bar { position: absolute; top: 18px; height: 20px; box-sizing: border-box; background: #dbe8fb; color: #12305e;
  border: 1px solid #7fa3d8; border-radius: 4px; overflow: hidden; font: 11px/18px ui-monospace, monospace; white-space: nowrap; }
.bar i { font-style: normal; padding: 0 5px; }
.bar.open { border-right: 0; border-style: dashed; border-radius: 4px 0 0 4px; background: #fdf3d7; color: #5c4300; border-color: #c9a227; }
.bar.obstacle { background: #fbdcda; color: #7a120c; border: 2px solid #b3261e; line-height: 16px; }
.legend .bar { position: static; display: inline-block; vertical-align: middle; } .legend .bar.out { background: #eee; color: #777; border-color: #bbb; }
.dot { position: absolute; top: 3px; margin-left: -8px; min-width: 16px; height: 16px; border-radius: 8px; background: #12305e; color: #fff;
  font: 9px/16px ui-monospace, monospace; text-align: center; display: none; z-index: 1; cursor: help; }
.dot::after { content: ""; position: absolute; left: 50%; top: 15px; height: 4px; border-left: 2px solid #12305e; }
.legend .dot { display: inline-block; position: static; margin: 0; } .legend .dot::after { display: none; }
.tabs label { margin-right: 1rem; } .tabs { min-height: .2rem; }
${orderStyles.join("\n")}`;

function page(title: string, sections: readonly string[]): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title><style>${style}</style></head>
<body>
${sections.filter((section) => section !== "").join("\n")}
</body></html>
`;
}
