// The dashboards as Grafana is given them.
import { readFileSync } from "node:fs";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { expect, test } from "vitest";
import { dashboards, fileOf, jsonOf } from "../dashboards/index.ts";
import { readRules } from "./support/rules.ts";

test.each(dashboards)(
  "the JSON of $title is what its source makes: npm run dashboards",
  (dashboard) => {
    const committed: unknown = JSON.parse(readFileSync(fileOf(dashboard), "utf8"));
    expect(committed).toEqual(JSON.parse(jsonOf(dashboard)));
  },
);

const panelsOf = ({ panels = [] }: (typeof dashboards)[number]): Panel[] =>
  panels.flatMap((panel) => (panel.type === "row" ? [] : [panel as Panel]));

test.each(dashboards)(
  "each panel of $title says what to see, and has a number of its own",
  (dashboard) => {
    const panels = panelsOf(dashboard);
    for (const { title, description } of panels) expect(description, title).toMatch(/\w.*\.$/);
    const ids = dashboard.panels?.map(({ id }) => id) ?? [];
    expect(new Set(ids).size).toBe(ids.length);
  },
);

test.each(dashboards)(
  "no two panels of $title lie on each other, and all lie on the page",
  (dashboard) => {
    const taken = new Set<string>();
    for (const { title, gridPos } of panelsOf(dashboard)) {
      const { x, y, w, h } = gridPos ?? { x: 0, y: 0, w: 0, h: 0 };
      expect(w * h, title).toBeGreaterThan(0);
      expect(x + w, title).toBeLessThanOrEqual(24);
      for (let column = x; column < x + w; column++) {
        for (let row = y; row < y + h; row++) {
          expect(taken.has(`${column}:${row}`), title).toBe(false);
          taken.add(`${column}:${row}`);
        }
      }
    }
  },
);

test("a red line stands where the alert that the panel names stands", () => {
  const lines = dashboards.flatMap(panelsOf).flatMap(({ title, description = "", fieldConfig }) => {
    const above = fieldConfig?.defaults.thresholds?.steps[1]?.value;
    const alerts = description.match(/\b[A-Z][a-z]+[A-Z]\w+\b/g) ?? [];
    return above === undefined ? [] : [{ title, above, alerts }];
  });
  expect(lines.length).toBeGreaterThan(5);
  for (const { title, above, alerts } of lines) {
    expect(alerts, title).not.toEqual([]);
    for (const name of alerts) {
      const rule = readRules().find(({ alert }) => alert === name);
      expect(rule?.expr, `${title}: ${name}`).toContain(` > ${above}`);
    }
  }
});
