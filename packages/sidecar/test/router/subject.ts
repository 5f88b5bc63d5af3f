// The modules of one copy of the sources, sound or not.
import path from "node:path";

export interface Subject {
  readonly exchange: typeof import("../../src/router/exchange.ts");
  readonly router: typeof import("../../src/router/request-router.ts");
  readonly chain: typeof import("../../src/filters/filter-chain.ts");
  readonly info: typeof import("../../src/router/request-info.ts");
  readonly calls: typeof import("../../src/router/upstream-call.ts");
  readonly retries: typeof import("../../src/router/retry-state.ts");
  readonly hash: typeof import("../../src/router/request-hash.ts");
  readonly address: typeof import("../../src/router/client-address.ts");
  readonly deadline: typeof import("../../src/router/deadline-fields.ts");
  readonly forwarding: typeof import("../../src/router/forwarding-fields.ts");
  readonly body: typeof import("../../src/router/request-body.ts");
  readonly cluster: typeof import("../../src/cluster/cluster.ts");
  readonly breakers: typeof import("../../src/cluster/breakers.ts");
}

const files: Readonly<Record<keyof Subject, string>> = {
  exchange: "router/exchange.ts",
  router: "router/request-router.ts",
  chain: "filters/filter-chain.ts",
  info: "router/request-info.ts",
  calls: "router/upstream-call.ts",
  retries: "router/retry-state.ts",
  hash: "router/request-hash.ts",
  address: "router/client-address.ts",
  deadline: "router/deadline-fields.ts",
  forwarding: "router/forwarding-fields.ts",
  body: "router/request-body.ts",
  cluster: "cluster/cluster.ts",
  breakers: "cluster/breakers.ts",
};

/** Imports a copy, from its `src` folder. */
export async function loadSubject(source: string): Promise<Subject> {
  const loaded = await Promise.all(
    Object.entries(files).map(async ([name, file]) => [
      name,
      await import(/* @vite-ignore */ path.join(source, file)),
    ]),
  );
  return Object.fromEntries(loaded) as Subject;
}
