// What `npm run simulate` runs here.
import type { Scenario } from "@compendium/simulation";
import { regions } from "./regions.ts";

export const scenarios: Record<string, Scenario> = { regions: regions() };
