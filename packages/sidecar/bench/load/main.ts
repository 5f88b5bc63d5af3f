// The load, and the services behind the proxies, in one process on a processor of its own: main.ts
// starts it, and asks for one slice after the other over the channel between them.
import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { CpuMeter } from "./cpu-meter.ts";
import { judgeGrpc } from "./grpc-judge.ts";
import { H2Lane } from "./h2-lane.ts";
import { startH2Upstream } from "./h2-upstream.ts";
import { FreshLane, KeptLane } from "./http1-lane.ts";
import { startHttp1Upstream } from "./http1-upstream.ts";
import { Budget, type Lane } from "./lane.ts";
import { dialogues } from "./messages.ts";
import type { Answer, Figures, Slice } from "./slice.ts";

// 64 requests under way: a connection for each, or of HTTP/2 a few connections that share them.
const LANES = 64;
const H2_LANES = 4;

// Ports that a real client of gRPC has called through.
const judged = new Set<number>();
let failure: Error | undefined;
const onError = (error: Error): void => {
  failure ??= error;
};
const http1Port = await portOf(startHttp1Upstream(onError));
const h2Port = await portOf(startH2Upstream(onError));

const tell = (answer: Answer): void => void process.send?.(answer);
process.on("disconnect", () => process.exit());
process.on("message", (slice: Slice) => {
  run(slice).then(
    (figures) => tell(failure ? { error: failure.message } : { figures }),
    (error: Error) => tell({ error: failure?.message ?? error.message }),
  );
});
tell({ http1Port, h2Port });

async function run(slice: Slice): Promise<Figures> {
  failure = undefined;
  if (slice.asking.kind === "grpc" && !judged.has(slice.port)) await judgeGrpc(slice.port);
  judged.add(slice.port);
  const lanes = lanesOf(slice);
  try {
    await Promise.all(lanes.map((lane) => lane.open()));
    // Each lane once before it counts, or the first requests would pay for connections upstream.
    await runAll(lanes, new Budget(10_000, LANES));
    const meter = new CpuMeter(slice.pid);
    const budget = new Budget(slice.lastsMs, slice.requestsMax);
    const [cpuBeforeUs, beganAtMs] = [meter.readUs(), performance.now()];
    await runAll(lanes, budget);
    const wallUs = (performance.now() - beganAtMs) * 1_000;
    return { requests: budget.answers, cpuUs: meter.readUs() - cpuBeforeUs, wallUs };
  } finally {
    for (const lane of lanes) lane.close();
  }
}

async function runAll(lanes: readonly Lane[], budget: Budget): Promise<void> {
  await Promise.all(lanes.map((lane) => lane.run(budget)));
}

function lanesOf({ asking, port, ca }: Slice): Lane[] {
  if (asking.kind === "grpc") {
    return Array.from({ length: H2_LANES }, () => new H2Lane(port, LANES / H2_LANES));
  }
  const dialogue = dialogues[asking.path];
  const Kind = asking.kind === "kept" ? KeptLane : FreshLane;
  return Array.from({ length: LANES }, () => new Kind({ port, ca }, dialogue));
}

async function portOf(server: Server): Promise<number> {
  if (!server.listening) await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
