import fc from "fast-check";
import { expect, test } from "vitest";
import {
  EXPERIMENT_IDS,
  PUBLIC_PORT,
  parseCommandLine,
  USAGE,
  UsageError,
} from "../src/command-line.ts";
import { sideExperiments } from "../src/experiments.ts";

test("without arguments: the demo, on the usual port, which may give way", () => {
  expect(parseCommandLine([])).toEqual({
    name: "demo",
    host: "127.0.0.1",
    port: PUBLIC_PORT,
    portGiven: false,
    once: false,
    experiments: ["x1"],
    jsonFile: undefined,
    mesh: false,
  });
});

test("what is asked for is what is meant", () => {
  expect(parseCommandLine(["--port", "0", "--once", "--json", "x.json"])).toMatchObject({
    name: "demo",
    port: 0,
    portGiven: true,
    once: true,
    jsonFile: "x.json",
  });
  const preview = "http://127.0.0.1:1";
  const edge = ["edge", "--preview", preview, "--protection", "off", "--host", "::1"];
  expect(parseCommandLine(edge)).toEqual({
    name: "edge",
    host: "::1",
    port: 0,
    previewUrl: new URL(preview),
    protection: false,
    respawn: false,
  });
  expect(parseCommandLine(["preview", "--respawn", "--port", "8080"])).toEqual({
    name: "preview",
    host: "127.0.0.1",
    port: 8080,
    respawn: true,
  });
  expect(parseCommandLine(["edge", "--preview", preview])).toMatchObject({ protection: true });
  const billing = ["edge", "--preview", preview, "--billing", preview];
  const usual = { url: new URL(preview), retries: "budget", breaker: true };
  expect(parseCommandLine(billing)).toMatchObject({ billing: usual });
  expect(parseCommandLine([...billing, "--retries", "naive", "--breaker", "off"])).toMatchObject({
    billing: { ...usual, retries: "naive", breaker: false },
  });
  expect(parseCommandLine(["billing"])).toMatchObject({ name: "billing", shedding: true });
  expect(parseCommandLine(["billing", "--shedding", "off"])).toMatchObject({ shedding: false });
  expect(parseCommandLine(["preview", "--port", "65535"])).toMatchObject({ port: 65_535 });
  expect(parseCommandLine(["lab", "--edge", preview, "--preview", preview])).toMatchObject({
    name: "lab",
    edgeUrls: [new URL(preview)],
    previewUrl: new URL(preview),
  });
  const edges = `${preview},http://127.0.0.1:2`;
  const several = ["lab", "--edge", edges, "--preview", preview, "--billing", preview];
  expect(parseCommandLine(several)).toMatchObject({
    edgeUrls: [new URL(preview), new URL("http://127.0.0.1:2")],
    billingUrl: new URL(preview),
  });
  expect(parseCommandLine(["edge", "--help"])).toEqual({ name: "help" });
});

test("a member of the registry is told who it is, and whom it belongs to", () => {
  const own = ["--member", "2", "--peers", "a:1,b:2,127.0.0.1:3", "--folder", "/data"];
  expect(parseCommandLine(["registry", ...own, "--port", "8080"])).toEqual({
    name: "registry",
    host: "127.0.0.1",
    port: 8080,
    respawn: false,
    member: 2,
    peers: ["a:1", "b:2", "127.0.0.1:3"],
    folder: "/data",
  });
  const registryUrls = [new URL("http://a"), new URL("http://b")];
  const edge = ["edge", "--preview", "http://p", "--registry", "http://a,http://b"];
  expect(parseCommandLine(edge)).toMatchObject({ registryUrls });
  const clients = ["clients", "--registry", "http://a,http://b"];
  expect(parseCommandLine(clients)).toEqual({ name: "clients", registryUrls, seconds: 8 });
  expect(parseCommandLine([...clients, "--seconds", "30"])).toMatchObject({ seconds: 30 });
});

test("a region's replica is told who it is, and where the others are", () => {
  const own = ["--region", "us", "--peers", "eu=a:1,us=b:2", "--folder", "/data"];
  const place = { region: "us", peers: { eu: "a:1", us: "b:2" }, folder: "/data" };
  expect(parseCommandLine(["presence", ...own, "--port", "8080"])).toEqual({
    name: "presence",
    host: "127.0.0.1",
    port: 8080,
    respawn: false,
    column: false,
    ...place,
  });
  expect(parseCommandLine(["presence", ...own, "--column"])).toMatchObject({ column: true });
  const writers = ["writers", "--presence", "http://a,http://b"];
  const presenceUrls = [new URL("http://a"), new URL("http://b")];
  expect(parseCommandLine(writers)).toEqual({ name: "writers", presenceUrls, seconds: 20 });
  expect(parseCommandLine([...writers, "--seconds", "9"])).toMatchObject({ seconds: 9 });
  expect(parseCommandLine(["--once", "--seconds", "9"])).toMatchObject({ apartMs: 9_000 });
});

test("a mesh is asked for; a sidecar has a file, and an edge elsewhere may have one before it", () => {
  expect(parseCommandLine(["--mesh", "--once"])).toMatchObject({ name: "demo", mesh: true });
  const sidecar = ["sidecar", "--config", "mesh.json"];
  expect(parseCommandLine(sidecar)).toEqual({ name: "sidecar", configFile: "mesh.json" });
  const lab = ["lab", "--edge", "http://a", "--preview", "http://b", "--entry", "http://c"];
  expect(parseCommandLine(lab)).toMatchObject({ mesh: false, entryUrl: new URL("http://c") });
});

test("an edge's Redis is what the flag says, or the environment; an empty word is none", () => {
  const redisOf = (flags: string[], redis?: string) => {
    const env = redis === undefined ? {} : { SHOWNOTES_REDIS: redis };
    const command = parseCommandLine(["edge", "--preview", "http://a", ...flags], env);
    return "redisUrl" in command ? command.redisUrl?.href : undefined;
  };
  expect(redisOf([])).toBeUndefined();
  expect(redisOf([], "")).toBeUndefined();
  expect(redisOf([], "redis://a:6379")).toBe("redis://a:6379");
  expect(redisOf(["--redis", "rediss://b"], "redis://a:6379")).toBe("rediss://b");
  expect(redisOf(["--redis", ""], "redis://a:6379")).toBeUndefined();
  expect(() => redisOf([], "http://a")).toThrow('--redis must be a redis:// URL, got "http://a"');
});

const wrong: [string[], string][] = [
  [["--frobnicate"], "Unknown option '--frobnicate'"],
  [["-x"], "Unknown option '-x'"],
  [["--port"], "'--port <value>' argument missing"],
  [["--once=yes"], "'--once' does not take an argument"],
  [["--port", "http"], '--port must be a whole number from 0 to 65535, got "http"'],
  [["--port", "65536"], '--port must be a whole number from 0 to 65535, got "65536"'],
  [["--port", "1.5"], '--port must be a whole number from 0 to 65535, got "1.5"'],
  [["--port", ""], '--port must be a whole number from 0 to 65535, got ""'],
  [["dance"], 'unknown command "dance"'],
  [["preview", "twice"], 'unknown command "twice"'],
  [["toString"], 'unknown command "toString"'],
  [["edge"], "--preview is missing"],
  [["sidecar"], "--config is missing"],
  [["sidecar", "--config", "a", "--port", "1"], "--port means nothing to sidecar"],
  [["edge", "--mesh", "--preview", "http://a"], "--mesh means nothing to edge"],
  [
    ["lab", "--edge", "http://a", "--preview", "http://b", "--entry", "x"],
    "--entry must be an http",
  ],
  [["lab", "--edge", "http://a"], "--preview is missing"],
  [["lab", "--preview", "http://a"], "--edge is missing"],
  [["edge", "--preview", "a:80"], '--preview must be an http:// URL, got "a:80"'],
  [["edge", "--preview", "https://a"], '--preview must be an http:// URL, got "https://a"'],
  [["edge", "--preview", "http://a", "--protection", "maybe"], "--protection must be on or off"],
  [["preview", "--once"], "--once means nothing to preview"],
  [["--preview", "http://a"], "--preview means nothing to demo"],
  [["--json", "x.json"], "--json goes with --once"],
  [["preview", "--respawn"], "--respawn needs --port"],
  [["edge", "--preview", "http://a", "--retries", "naive"], "--retries goes with --billing"],
  [["edge", "--preview", "http://a", "--breaker", "on"], "--breaker goes with --billing"],
  [
    ["edge", "--preview", "http://a", "--billing", "http://a", "--retries", "often"],
    '--retries must be one of naive, jitter, budget, got "often"',
  ],
  [["edge", "--preview", "http://a", "--redis", "a:6379"], "--redis must be a redis:// URL, got"],
  [
    ["lab", "--edge", "http://a,", "--preview", "http://a"],
    '--edge must be an http:// URL, got ""',
  ],
  [["lab", "--edge", "http://a,b", "--preview", "http://a"], "--edge must be an http:// URL"],
  [["billing", "--shedding", "maybe"], '--shedding must be on or off, got "maybe"'],
  [["preview", "--shedding", "on"], "--shedding means nothing to preview"],
  [["registry", "--peers", "a:1", "--folder", "f"], "--member must be a whole number from 1 to 1"],
  [
    ["registry", "--member", "4", "--peers", "a:1,b:2,c:3", "--folder", "f"],
    '--member must be a whole number from 1 to 3, got "4"',
  ],
  [["registry", "--member", "1", "--peers", "a:1,b"], "--peers must be HOST:PORT of each member"],
  [["registry", "--member", "1", "--folder", "f"], "--peers must be HOST:PORT of each member"],
  [["registry", "--member", "1", "--peers", "a:1"], "--folder is missing"],
  [["clients"], "--registry is missing"],
  [["writers"], "--presence is missing"],
  [["presence", "--peers", "eu:1"], "--peers must be NAME=HOST:PORT of each region"],
  [["presence", "--region", "eu", "--peers", "eu=a:1"], "--folder is missing"],
  [["presence", "--peers", "eu=a:1,us=b:1"], '--region must be one of eu, us, got ""'],
  [["--seconds", "0"], "--seconds must be a whole number from 1 to 600"],
  [["clients", "--registry", "http://a", "--seconds", "0"], "--seconds must be a whole number"],
  [["--experiment", "x2"], "--experiment goes with --once"],
  [
    ["--once", "--experiment", "x8"],
    '--experiment must be x1, x2, x3, x4, x5, x6, x9 or all, got "x8"',
  ],
];

test.each(wrong)("%j is refused in one line that names what is wrong: %s", (args, problem) => {
  expect(() => parseCommandLine(args)).toThrow(UsageError);
  expect(() => parseCommandLine(args)).toThrow(problem);
  expect(() => parseCommandLine(args)).toThrow(/^shownotes: [^\n]+ \(see --help\)$/);
});

test("--experiment says which are run once; all means each that there is, in order", () => {
  const asked = (id: string) => parseCommandLine(["--once", "--experiment", id]);
  expect(asked("x2")).toMatchObject({ once: true, experiments: ["x2"] });
  expect(asked("all")).toMatchObject({ experiments: EXPERIMENT_IDS });
  expect(EXPERIMENT_IDS).toEqual(["x1", ...sideExperiments().map(({ id }) => id)]);
});

test("whatever stands there, it is understood or refused in one line, never anything else", () => {
  const word = fc.oneof(
    fc.constantFrom(
      "edge",
      "lab",
      "preview",
      "billing",
      "--port",
      "--once",
      "--preview",
      "--",
      "-",
      "--edge",
    ),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 5 }), (args) => {
      try {
        expect(parseCommandLine(args).name).toMatch(
          /^(help|demo|edge|preview|billing|registry|presence|clients|writers|lab)$/,
        );
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
        expect((error as Error).message).toMatch(/^[^\n\r]+ \(see --help\)$/);
      }
    }),
    { numRuns: 500 },
  );
});

test("the usage fits a terminal and names every flag", () => {
  for (const line of USAGE.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  const flags =
    "once experiment json port host preview protection edge billing retries breaker shedding redis registry member peers folder seconds region presence column help";
  for (const flag of flags.split(" ")) {
    expect(USAGE).toContain(`--${flag}`);
  }
});
