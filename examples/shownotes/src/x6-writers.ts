// X6 for regions that run elsewhere, while somebody else cuts them off from each other: containers
// whose network is taken away. Says when to do so and when to stop, then what came of it. Exits
// with 0 if all was as expected.
import { apart, runX6 } from "./x6.ts";
import { X6RemoteRegions } from "./x6-regions.ts";
import { x6Scenario } from "./x6-scenario.ts";

/** Writes in the regions for so long, and says what became of it. */
export async function runWriters(options: {
  presenceUrls: readonly URL[];
  seconds: number;
}): Promise<void> {
  const say = (line: string) => console.log(line);
  const scenario = apart(x6Scenario, 1_000 * options.seconds);
  const source = new X6RemoteRegions(options.presenceUrls, say);
  const { signal } = new AbortController();
  const { report, objections, result } = await runX6(source, scenario, say, signal);
  console.log(report);
  console.log(JSON.stringify(result));
  process.exitCode = objections.length === 0 ? 0 : 1;
}
