// Shownotes: a podcast's show notes, kept alive by the patterns of this repository.
//
//   npm start                      every service as a process of its own, load, one page, X1
//   npm start -- --once            the comparison once, checked; the exit code says how it went
//   main.ts edge | preview | billing | registry | presence   one service, as containers run it
//   main.ts sidecar --config FILE   a sidecar in front of one of them
//   main.ts clients --registry URL …   X5's clients and their verdict, for a registry elsewhere
//   main.ts writers --presence URL …   X6's writers, for regions that somebody else cuts off
//   main.ts lab --edge URL …       load, experiments and the page, for services that run elsewhere
import { type Command, parseCommandLine, USAGE, UsageError } from "./command-line.ts";

async function run(command: Command, args: string[]): Promise<void> {
  if ("respawn" in command && command.respawn) {
    const single = args.filter((arg) => arg !== "--respawn");
    return (await import("./respawn.ts")).respawn(single);
  }
  // Imported on demand: a service process need not hold the code of the others in memory.
  switch (command.name) {
    case "help":
      console.log(USAGE);
      return;
    case "edge":
      return (await import("./edge.ts")).runEdge(command);
    case "preview":
      return (await import("./preview.ts")).runPreview(command);
    case "billing":
      return (await import("./billing.ts")).runBilling(command);
    case "registry":
      return (await import("./registry.ts")).runRegistry(command);
    case "presence":
      return (await import("./presence.ts")).runPresence(command);
    case "sidecar":
      return (await import("./mesh-process.ts")).runSidecar(command);
    case "writers":
      return (await import("./x6-writers.ts")).runWriters(command);
    case "clients":
      return (await import("./x5-clients.ts")).runClients(command);
    case "lab":
    case "demo":
      return (await import("./supervisor.ts")).runSupervisor(command);
  }
}

try {
  const args = process.argv.slice(2);
  await run(parseCommandLine(args), args);
} catch (error) {
  if (error instanceof UsageError) {
    console.error(error.message);
    process.exitCode = 2;
  } else {
    console.error(error instanceof Error ? `shownotes: ${error.message}` : error);
    process.exitCode = 1;
  }
}
