// Regions with a sidecar in front of each, for whoever asks them. What they tell each other is
// theirs: their links are cut by proxies of their own, and a partition must be of nothing else.
import { type LiveRegions, startRegions } from "./live-presence.ts";
import { endpointsAt, Mesh } from "./mesh.ts";

/** Starts a replica for each name, and a sidecar; `onDeath` is told when one dies unasked. */
export async function startMeshedRegions(
  names: readonly string[],
  onDeath: (line: string) => void,
): Promise<LiveRegions> {
  const regions = await startRegions(names, onDeath);
  const mesh = new Mesh(onDeath);
  const stop = async () => void (await Promise.all([regions.stop(), mesh.stop()]));
  try {
    const sidecars = await Promise.all(
      regions.urls.map((url, at) =>
        mesh.start({ name: `presence-${names[at]}`, endpoints: endpointsAt([url]) }),
      ),
    );
    return { ...regions, urls: sidecars.map(({ url }) => url), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
