// The parts that dashboards are made of: a curve, a state timeline, the variables at the top. A
// panel says what it shows, in which unit, and from which expressions; the rest is the same for all
// of them, and stands here once.
//
// A line that an alert watches is drawn where the alert stands, so that the dashboard and the pager
// agree. Left out: everything that Grafana does well by default.
import * as common from "@grafana/grafana-foundation-sdk/common";
import * as grafana from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import * as statetimeline from "@grafana/grafana-foundation-sdk/statetimeline";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";

/** A query, and what its curves are called: `{{name}}` is the label's value. */
export type Query = readonly [expression: string, legend: string];

/** What a panel shows. */
export interface Shown {
  readonly title: string;
  /** What a reader should see in it. */
  readonly description: string;
  readonly queries: readonly Query[];
  /** Grafana's name for the unit; default `short`. */
  readonly unit?: "short" | "reqps" | "percentunit" | "s" | "bytes" | "none";
  /** Where an alert stands: a red line. */
  readonly alertAbove?: number;
  /** Whether the parts add up to something worth seeing. */
  readonly stacked?: boolean;
  /** The top of the axis, where there is one. */
  readonly max?: number;
}

/** A panel, or anything else that knows how to become one. */
export type Panel = { build(): grafana.Panel };

const source = { type: "prometheus", uid: "$" + "{datasource}" };

/** One panel of curves over time, a third of the page wide. */
export function curve(shown: Shown): timeseries.PanelBuilder {
  const panel = new timeseries.PanelBuilder()
    .title(shown.title)
    .description(shown.description)
    .datasource(source)
    .targets(targets(shown.queries))
    .unit(shown.unit ?? "short")
    .min(0)
    .lineWidth(1)
    .fillOpacity(shown.stacked === true ? 25 : 5)
    .showPoints(common.VisibilityMode.Never)
    .legend(new common.VizLegendOptionsBuilder().showLegend(true).calcs(["lastNotNull"]))
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi))
    .height(8)
    .span(8);
  if (shown.max !== undefined) panel.max(shown.max);
  if (shown.stacked === true) {
    panel.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal));
  }
  if (shown.alertAbove !== undefined) {
    const line = new common.GraphThresholdsStyleConfigBuilder();
    const steps = [
      { value: null, color: "transparent" },
      { value: shown.alertAbove, color: "red" },
    ];
    panel
      .thresholdsStyle(line.mode(common.GraphThresholdsStyleMode.Line))
      .thresholds(new grafana.ThresholdsConfigBuilder().mode(absolute).steps(steps));
  }
  return panel;
}

const absolute = grafana.ThresholdsMode.Absolute;

/** A bar per series, coloured by what its number stands for; as wide as the page. */
export function timeline(
  { title, description, queries }: Shown,
  states: readonly (readonly [text: string, color: string])[],
): statetimeline.PanelBuilder {
  const options = Object.fromEntries(
    states.map(([text, color], index) => [String(index), { text, color, index }]),
  );
  return new statetimeline.PanelBuilder()
    .title(title)
    .description(description)
    .datasource(source)
    .targets(targets(queries))
    .mappings([{ type: grafana.MappingType.ValueToText, options }])
    .mergeValues(true)
    .fillOpacity(80)
    .height(7)
    .span(24);
}

function targets(queries: readonly Query[]): DataqueryBuilder[] {
  return queries.map(([expression, legend], index) =>
    new DataqueryBuilder()
      .datasource(source)
      .refId(String.fromCharCode(65 + index))
      .expr(expression)
      .legendFormat(legend)
      .range(),
  );
}

/** The choice of the Prometheus to ask. */
export function datasourceVariable(): grafana.DatasourceVariableBuilder {
  return new grafana.DatasourceVariableBuilder("datasource").label("Prometheus").type("prometheus");
}

/** A choice among the values of a label of the series that `selector` matches; all at first. */
export function labelVariable(label: string, selector: string): grafana.QueryVariableBuilder {
  return new grafana.QueryVariableBuilder(label)
    .label(label)
    .datasource(source)
    .query(`label_values(${selector}, ${label})`)
    .refresh(grafana.VariableRefresh.OnTimeRangeChanged)
    .sort(grafana.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(".*")
    .current({ selected: true, text: ["All"], value: ["$__all"] });
}

/** A dashboard of rows: each a heading and its panels. */
export function dashboardOf(
  head: grafana.DashboardBuilder,
  rows: Readonly<Record<string, readonly Panel[]>>,
): grafana.Dashboard {
  let id = 0;
  for (const [title, panels] of Object.entries(rows)) {
    head.withRow(new grafana.RowBuilder(title).id(++id));
    for (const panel of panels) {
      const number = ++id;
      head.withPanel({ build: () => ({ ...panel.build(), id: number }) });
    }
  }
  return head
    .timezone("browser")
    .tooltip(grafana.DashboardCursorSync.Crosshair)
    .time({ from: "now-15m", to: "now" })
    .refresh("5s")
    .build();
}
