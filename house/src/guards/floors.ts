// The floor plan (DESIGN.md, "The floors of the house"): nothing imports upwards or sideways except
// as drawn, and nothing is imported that the importer's manifest does not declare. An undeclared
// import works here, where the workspace has every library at hand, and fails at the user's.
// Tests may look in every direction: only src/ is held to the plan.
import type { FloorPlan } from "../floor-plan.ts";
import { importsOf, resolve } from "../imports.ts";
import { isCode } from "../source.ts";
import type { Violation } from "../violation.ts";
import { type Manifest, type Package, packagesOf, type Tree } from "../workspace.ts";

/** Imports that go up, sideways, out of the package, or to what is not declared. */
export function guardFloors(tree: Tree, plan: FloorPlan): Violation[] {
  const packages = packagesOf(tree);
  const violations: Violation[] = [];
  for (const importer of packages) {
    if (!/^(packages|examples)\//.test(importer.folder)) continue;
    if (floorOf(plan, importer) < 0) violations.push(unknown(importer));
    for (const file of importer.sources.filter(isCode)) {
      for (const { specifier, line } of importsOf(tree, file)) {
        const fault = judge(plan, packages, importer, file, specifier);
        if (fault !== undefined) violations.push({ file, line, ...fault });
      }
    }
  }
  return violations;
}

type Fault = Pick<Violation, "rule" | "message">;

function judge(
  plan: FloorPlan,
  packages: readonly Package[],
  importer: Package,
  file: string,
  specifier: string,
): Fault | undefined {
  const target = resolve(file, specifier, packages);
  if (target.kind === "builtin") return undefined;
  if (target.kind === "file") {
    if (target.file.startsWith(`${importer.folder}/`)) return undefined;
    const message = `"${specifier}" leaves ${importer.folder}; import the other package by its name`;
    return { rule: "floor-plan/escape", message };
  }
  const name = target.kind === "workspace" ? target.package.name : target.name;
  if (name === importer.name) return undefined;
  if (!declares(importer.manifest, name)) {
    const message = `${name} is imported but not declared; add it to "dependencies" in ${importer.folder}/package.json, or to "peerDependencies" if the user brings it`;
    return { rule: "floor-plan/undeclared", message };
  }
  if (target.kind === "third-party") return undefined;
  if (target.entry === undefined && !offers(target.package.manifest, specifier)) {
    const message = `${target.package.name} exports no "${specifier}" as source; see "exports" in ${target.package.folder}/package.json`;
    return { rule: "floor-plan/no-such-subpath", message };
  }
  return direction(plan, importer, target.package);
}

function direction(plan: FloorPlan, importer: Package, imported: Package): Fault | undefined {
  const [from, to] = [floorOf(plan, importer), floorOf(plan, imported)];
  if (from < 0) return undefined; // Said once, by `unknown`.
  const pair = `${importer.shortName} (${plan.floors[from]?.name}) imports ${imported.shortName}`;
  if (to < 0) {
    const message = `${pair}, which stands on no floor; only tests may use it`;
    return { rule: "floor-plan/no-floor", message };
  }
  if (to > from) {
    const message = `${pair} (${plan.floors[to]?.name}), which stands above it; move the code down or take it as an argument`;
    return { rule: "floor-plan/upwards", message };
  }
  const drawn = plan.arrows[importer.shortName]?.includes(imported.shortName) ?? false;
  if (to === from && !drawn) {
    const message = `${pair}, its sibling, to which no arrow is drawn; declare the structural interface you need, or draw the arrow in DESIGN.md and house/src/floor-plan.ts`;
    return { rule: "floor-plan/sideways", message };
  }
  const shipped = plan.floors[from]?.name !== "examples";
  if (shipped && !drawn && plan.testGround.includes(imported.shortName)) {
    const message = `${pair}, which is for tests and the demo's live checks; import it from test/`;
    return { rule: "floor-plan/test-ground", message };
  }
  return undefined;
}

const floorOf = (plan: FloorPlan, { shortName }: Package): number =>
  plan.floors.findIndex((floor) => floor.packages.includes(shortName));

const declares = (manifest: Manifest, name: string): boolean =>
  [manifest.dependencies, manifest.peerDependencies, manifest.optionalDependencies].some(
    (declared) => declared?.[name] !== undefined,
  );

// A data file, or a pattern such as "./scenarios/*", is exported without being a source.
function offers({ name, exports = {} }: Manifest, specifier: string): boolean {
  const subpath = `.${specifier.slice(name.length)}`;
  return Object.keys(exports).some((key) => {
    const [before = "", after] = key.split("*");
    if (after === undefined) return key === subpath;
    return subpath.startsWith(before) && subpath.endsWith(after);
  });
}

function unknown({ folder, shortName }: Package): Violation {
  const message = `${shortName} is not on the floor plan; add it to a floor in house/src/floor-plan.ts and to the drawing in DESIGN.md`;
  return { file: `${folder}/package.json`, line: 1, rule: "floor-plan/unknown-package", message };
}
