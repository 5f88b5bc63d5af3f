// One observation: ours against prom-client's Histogram, which hashes the labels and looks the
// series up each time. Values are drawn beforehand and spread over all buckets.

import { Histogram, latencySecondsBounds } from "@compendium/metrics";
import { Histogram as PromHistogram } from "prom-client";
import { type Contestant, measure } from "./rounds.ts";

/** A row of the table. */
export interface Row {
  case: string;
  unit: string;
  ours: number;
  peers: Record<string, number>;
  /** Ours over the best peer: below 1, ours is cheaper. */
  ratio: number;
}

const OBSERVATIONS = 200_000;
const values = Float64Array.from({ length: 4_096 }, (_, i) => 0.0005 * 1.0025 ** i);

function contestant(name: string, observe: (value: number) => void): Contestant {
  return {
    name,
    run: (times) => {
      for (let i = 0; i < times; i++) observe(values[i & 4_095] as number);
    },
  };
}

/** Runs both cases. */
export function observeRows(): Row[] {
  const buckets = [...latencySecondsBounds];
  const prom = (name: string, labelNames: string[]) =>
    new PromHistogram({ name, help: "h", buckets, labelNames, registers: [] });

  const plain = prom("plain_seconds", []);
  const labelled = prom("labelled_seconds", ["route", "outcome"]);
  const labels = { route: "preview", outcome: "success" };
  const child = labelled.labels(labels);
  return [
    row("observe, no labels", [contestant("prom-client", (value) => plain.observe(value))]),
    row("observe, two labels", [
      contestant("prom-client", (value) => labelled.observe(labels, value)),
      contestant("prom-client with bound labels", (value) => child.observe(value)),
    ]),
  ];
}

function row(name: string, peers: Contestant[]): Row {
  const histogram = new Histogram(latencySecondsBounds);
  const ours = contestant("ours", (value) => histogram.observe(value));
  const figures = measure([ours, ...peers], OBSERVATIONS);
  const round = (contender: string) => Number((figures.get(contender) ?? 0).toFixed(1));
  const peerFigures = Object.fromEntries(peers.map((peer) => [peer.name, round(peer.name)]));
  const ratio = round("ours") / Math.min(...Object.values(peerFigures));
  return {
    case: name,
    unit: "ns CPU per call",
    ours: round("ours"),
    peers: peerFigures,
    ratio: Number(ratio.toFixed(2)),
  };
}
