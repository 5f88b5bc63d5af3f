// Writes the dashboards as Grafana reads them: `npm run dashboards` in observability/, after each
// change. The JSON is committed, because whoever provisions Grafana should not need Node; a test
// holds it against this.
import { writeFileSync } from "node:fs";
import { dashboards, fileOf, jsonOf } from "./index.ts";

for (const dashboard of dashboards) writeFileSync(fileOf(dashboard), jsonOf(dashboard));
