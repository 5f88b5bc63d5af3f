// Shownotes under a profile of load: notes, and now and then a preview.
//
//   k6 run -e EDGE=http://127.0.0.1:8080 -e PROFILE=smoke shownotes.ts
//
// PROFILE is smoke (the default), average, stress or spike. A crossed threshold ends k6 with 99.
import { scenario } from "k6/execution";
import { Rate } from "k6/metrics";
import type { Options } from "k6/options";
import { arrivals, chosenProfile } from "./lib/profiles.ts";
import { getNotes, getPreview, hasTitle } from "./lib/shownotes.ts";

export { handleSummary } from "./lib/summary.ts";

const PREVIEW_SHARE = 0.2;
// Nobody looks at a page for longer than this; a request that takes more has failed.
const TIMEOUT_MS = 2_000;

const profile = chosenProfile();
const titled = new Rate("previews_with_title");

export const options: Options = {
  scenarios: {
    notes: arrivals(profile, "notes", 1 - PREVIEW_SHARE, TIMEOUT_MS),
    previews: arrivals(profile, "previews", PREVIEW_SHARE, TIMEOUT_MS),
  },
  thresholds: {
    // A threshold on a metric without a value is kept; this one is not.
    "http_reqs{route:notes}": ["count>0"],
    "http_reqs{route:preview}": ["count>0"],
    http_req_failed: [`rate<=${profile.failedShareMax}`],
    "http_req_duration{route:notes}": [`p(95)<${profile.p95Ms.notes}`],
    "http_req_duration{route:preview}": [`p(95)<${profile.p95Ms.preview}`],
    previews_with_title: [`rate>=${profile.titledShareMin}`],
    dropped_iterations: ["count==0"],
  },
};

export function notes(): void {
  getNotes(scenario.iterationInTest, TIMEOUT_MS);
}

export function previews(): void {
  const n = scenario.iterationInTest;
  titled.add(hasTitle(getPreview(n, TIMEOUT_MS), n));
}
