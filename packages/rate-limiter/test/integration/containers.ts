// Servers in containers, each with a network address of its own; gone with the test.
import { spawnSync } from "node:child_process";
import type { Need } from "@compendium/metrics/testing";
import { GenericContainer, type StartedTestContainer, Wait } from "testcontainers";

// The engine's helper container would clean up after a crash; every test here stops what it began.
Object.assign(process.env, { TESTCONTAINERS_RYUK_DISABLED: "true" });

/** A Docker engine. */
export const dockerEngine: Need = {
  name: "docker",
  present: spawnSync("docker", ["info"], { stdio: "ignore" }).status === 0,
  how: "install Docker, or start its engine",
};

export interface StartedServer {
  readonly host: string;
  readonly port: number;
  readonly container: StartedTestContainer;
  stop(): Promise<void>;
}

/** Starts a server from an image; arguments go to the server. */
export async function startContainer(
  image: string,
  prepare: (container: GenericContainer) => GenericContainer = (container) => container,
): Promise<StartedServer> {
  const container = await prepare(new GenericContainer(image))
    .withExposedPorts(6379)
    .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
    .start();
  return {
    host: container.getHost(),
    port: container.getMappedPort(6379),
    container,
    stop: async () => {
      await container.stop({ timeout: 0 });
    },
  };
}

/** Runs a docker command about a container. */
export function docker(...args: readonly string[]): void {
  const { status, stderr } = spawnSync("docker", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`docker ${args.join(" ")}: ${stderr}`);
}
