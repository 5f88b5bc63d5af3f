// `/stats`: every number under Envoy's name for it, or, for Prometheus, under ours.
import { Pattern, PatternError } from "../config/pattern.ts";
import { isUsed, type Reading, valueText } from "../observe/readings.ts";
import { AdminError } from "./admin-error.ts";
import type { AdminSubject } from "./admin-subject.ts";
import { type Answer, type Endpoint, json, type Query, text } from "./endpoint.ts";

const help = "print server stats; for Prometheus: /stats/prometheus";

/** `/stats`. */
export const stats: Endpoint = {
  path: "/stats",
  help,
  mutates: false,
  parameters: { filter: "any", usedonly: "flag", format: ["text", "json", "prometheus"] },
  answer: async (query, subject) => {
    const format = query.get("format");
    if (format === "prometheus") return await exposition(query, subject);
    const chosen = (await subject.readings())
      .filter(chosenBy(query))
      .sort((a, b) => (a.envoy < b.envoy ? -1 : 1));
    if (format === "json") {
      return json({ stats: chosen.map(({ envoy, value }) => ({ name: envoy, value })) });
    }
    return text(chosen.map((one) => `${one.envoy}: ${valueText(one)}\n`).join(""));
  },
};

/** `/stats/prometheus`. */
export const prometheusStats: Endpoint = {
  path: "/stats/prometheus",
  help: "print server stats in prometheus format",
  mutates: false,
  parameters: {},
  answer: exposition,
};

async function exposition(query: Query, subject: AdminSubject): Promise<Answer> {
  if (query.has("filter") || query.has("usedonly")) {
    throw new AdminError("BAD_VALUE", "Prometheus gets all: filter and usedonly are for the rest");
  }
  return { type: "prometheus", body: await subject.exposition() };
}

function chosenBy(query: Query): (reading: Reading) => boolean {
  const filter = query.get("filter");
  const wanted = filter === undefined ? undefined : patternOf(filter);
  const isUsedOnly = query.has("usedonly");
  return (reading) =>
    (!isUsedOnly || isUsed(reading)) && (wanted === undefined || wanted.matches(reading.envoy));
}

// A part of the name is enough, as for Envoy. The engine is linear: whoever may ask may not stop
// the process with an expression.
function patternOf(filter: string): Pattern {
  try {
    // By itself first: "a)|(b" must not be made whole by what stands around it.
    const { source } = new Pattern(filter);
    return new Pattern(`(?s:.*)(?:${source})(?s:.*)`);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw new AdminError("BAD_VALUE", `filter is no expression of RE2: ${error.message}`);
  }
}
