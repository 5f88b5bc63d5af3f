// Every expression against a real Prometheus that scrapes what the packages export, with every
// counter moving. An expression that does not parse fails, and so does one that comes back empty: a
// misspelt label or value matches nothing, and looks like peace.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { requireOrSkip } from "@compendium/metrics/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { dashboards } from "../dashboards/index.ts";
import { busy, exampleOf, exportedRegistry, shownotesMetrics } from "./support/exported.ts";
import { panelExpressions, ruleExpressions } from "./support/expressions.ts";
import { PrometheusServer, prometheus } from "./support/prometheus.ts";
import { selectorsOf, substituted } from "./support/promql.ts";
import { readRules } from "./support/rules.ts";

// Long enough that a busy machine has scraped twice in it.
const WINDOW = "30s";

const need = prometheus();
const variables = dashboards.flatMap(({ templating }) => templating?.list ?? []);

describe("a live Prometheus", () => {
  let exporter: Server;
  let server: PrometheusServer;

  beforeAll(async () => {
    if (!need.present) return;
    const registry = await exportedRegistry([
      "metrics",
      "circuit-breaker",
      "resilience",
      "rate-limiter",
      "raft",
      "crdt",
      "crdt-sync",
      "sidecar",
    ]);
    const shownotes = exampleOf(shownotesMetrics());
    let scrapes = 0;
    let thriceScrapedAt = Number.POSITIVE_INFINITY;
    exporter = createServer((_, response) => {
      // Whoever asks a fourth time has stored the third answer.
      if (scrapes === 3) thriceScrapedAt = Date.now();
      registry.metrics().then((text) => {
        response.setHeader("content-type", registry.contentType);
        response.end(busy(`${text}\n${shownotes}`, ++scrapes));
      });
    });
    await new Promise<void>((resolve) => exporter.listen(0, "127.0.0.1", resolve));
    server = await PrometheusServer.start(`127.0.0.1:${(exporter.address() as AddressInfo).port}`);
    // Two scrapes are a rate; each group of rules must have been evaluated after them.
    await server.until(async () => {
      const groups = await ruleGroups(server);
      return groups.every(({ lastEvaluation }) => Date.parse(lastEvaluation) > thriceScrapedAt);
    }, 20_000);
  }, 30_000);

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    exporter?.closeAllConnections();
    exporter?.close();
  });

  beforeEach((context) => requireOrSkip(context, need));

  test("it evaluates every rule without an error", async () => {
    const rules = (await ruleGroups(server)).flatMap(({ rules }) => rules);
    expect(rules.map(({ name }) => name).sort()).toEqual(
      readRules()
        .map(({ alert, record }) => alert ?? record)
        .sort(),
    );
    expect(rules.filter(({ health }) => health !== "ok")).toEqual([]);
  });

  test.each(dashboards)("every panel of $title has something to show", async (dashboard) => {
    const empty: string[] = [];
    for (const { where, expression } of panelExpressions(dashboard)) {
      const answer = await server.query(substituted(expression, WINDOW)).catch(String);
      if (answer.length === 0 || typeof answer === "string") empty.push(`${where}: ${answer}`);
    }
    expect(empty).toEqual([]);
  });

  test("every selector of every rule matches a series", async () => {
    for (const { where, expression } of ruleExpressions()) {
      for (const { text } of selectorsOf(expression)) {
        expect(await server.query(text), `${where}: ${text}`).not.toEqual([]);
      }
    }
  });

  test("the variables of the dashboards have values to choose from", async () => {
    for (const { query } of variables) {
      const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(`${query}`) ?? [];
      if (selector === undefined) continue;
      const match = { "match[]": substituted(selector, WINDOW) };
      expect(await server.get(`label/${label}/values`, match), `${query}`).not.toEqual([]);
    }
  });

  test("an expression that does not parse, or matches nothing, would be found", async () => {
    await expect(server.query("rate(circuit_breaker_calls_total)")).rejects.toThrow("range vector");
    expect(await server.query('circuit_breaker_state{state="ajar"}')).toEqual([]);
  });
});

interface RuleGroup {
  /** RFC 3339; of the whole group, whose rules are evaluated in order. */
  readonly lastEvaluation: string;
  readonly rules: readonly { readonly name: string; readonly health: string }[];
}

async function ruleGroups(server: PrometheusServer): Promise<RuleGroup[]> {
  return (await server.get<{ groups: RuleGroup[] }>("rules")).groups;
}
