// The modules of src/filters, from the sources or from a copy of them.
import path from "node:path";

export interface FilterSubject {
  readonly acceptEncoding: typeof import("../../src/filters/accept-encoding.ts");
  readonly adaptive: typeof import("../../src/filters/adaptive-concurrency.ts");
  readonly buffer: typeof import("../../src/filters/buffer.ts");
  readonly compressor: typeof import("../../src/filters/compressor.ts");
  readonly cors: typeof import("../../src/filters/cors.ts");
  readonly fault: typeof import("../../src/filters/fault.ts");
  readonly filterChain: typeof import("../../src/filters/filter-chain.ts");
  readonly ipRange: typeof import("../../src/filters/ip-range.ts");
  readonly rateLimit: typeof import("../../src/filters/local-rate-limit.ts");
  readonly rbac: typeof import("../../src/filters/rbac.ts");
}

const files: Readonly<Record<keyof FilterSubject, string>> = {
  acceptEncoding: "accept-encoding.ts",
  adaptive: "adaptive-concurrency.ts",
  buffer: "buffer.ts",
  compressor: "compressor.ts",
  cors: "cors.ts",
  fault: "fault.ts",
  filterChain: "filter-chain.ts",
  ipRange: "ip-range.ts",
  rateLimit: "local-rate-limit.ts",
  rbac: "rbac.ts",
};

/**
 * @param source a folder such as `src`
 * @param modules those that are asked for; default: all
 */
export async function loadSubject(
  source: string,
  modules = Object.keys(files) as readonly (keyof FilterSubject)[],
): Promise<FilterSubject> {
  const loaded = await Promise.all(
    modules.map(async (name) => {
      const file = path.join(source, "filters", files[name]);
      return [name, await import(/* @vite-ignore */ file)] as const;
    }),
  );
  return Object.fromEntries(loaded) as unknown as FilterSubject;
}
