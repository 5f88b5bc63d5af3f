// From a document to a snapshot: every message is read, then what refers to other parts is checked.
// A document is taken whole or not at all.
import { type Note, SidecarConfigError } from "./config-error.ts";
import { digestOf } from "./digest.ts";
import { checkValues, parseConfig } from "./document.ts";
import { attempt, Node, Reading, shown } from "./schema/node.ts";
import type { Snapshot } from "./snapshot.ts";
import { bootstrap } from "./xds/bootstrap.ts";

/**
 * Compiles a document: Envoy's bootstrap as a plain value, as JSON has it. The same document has
 * the same snapshot, with the same version.
 *
 * @param onNote is told what is ignored, or will not do what it seems to; at most 100 notes
 * @throws SidecarConfigError with everything that is wrong
 */
export function compile(document: unknown, onNote?: (note: Note) => void): Snapshot {
  checkValues(document);
  const reading = new Reading();
  const read = attempt(() => bootstrap.read(new Node(document, "", reading)));
  // Only then: a cluster that was refused would seem to be missing as well.
  if (read !== undefined) checkClusters(reading, new Set(read.value.clusters.map((c) => c.name)));
  if (reading.problems.length > 0 || read === undefined) {
    throw new SidecarConfigError(reading.problems, reading.unlisted);
  }
  for (const note of reading.notes) onNote?.(note);
  const { listeners, clusters, admin } = read.value;
  const content = {
    listeners: new Map(listeners.map((one) => [one.name, one])),
    clusters: new Map(clusters.map((one) => [one.name, one])),
    admin,
  };
  return { version: digestOf(content), ...content };
}

/**
 * Compiles a document in YAML or JSON.
 *
 * @throws SidecarConfigError with everything that is wrong
 */
export function compileText(text: string, onNote?: (note: Note) => void): Snapshot {
  return compile(parseConfig(text), onNote);
}

function checkClusters(reading: Reading, known: ReadonlySet<string>): void {
  for (const { cluster, node } of reading.clusters) {
    if (known.has(cluster)) continue;
    node.refuse(
      `there is no cluster ${shown(cluster)}`,
      known.size === 0 ? "add it" : `add it, or name one of ${[...known].slice(0, 10).join(", ")}`,
    );
  }
}
