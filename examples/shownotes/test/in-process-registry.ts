// A registry of one member within the test: the real node and service, on sockets of 127.0.0.1 and
// a folder that is taken away again.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../src/free-ports.ts";
import { createRegistry, openMember } from "../src/registry.ts";
import type { RegistryMember } from "../src/registry-member.ts";
import { serve } from "./in-process.ts";

/** A registry that was started; it leads as soon as its election timeout is over. */
export interface InProcessRegistry extends AsyncDisposable {
  readonly url: URL;
  readonly member: RegistryMember;
}

/** Starts one. */
export async function startRegistry(): Promise<InProcessRegistry> {
  const folder = mkdtempSync(join(tmpdir(), "shownotes-test-"));
  const [port] = await freePorts(1);
  const member = await openMember({ member: 1, peers: [`127.0.0.1:${port}`], folder });
  const service = await serve(createRegistry(member));
  return {
    url: service.url,
    member,
    [Symbol.asyncDispose]: async () => {
      await service.stop();
      await member.node.close();
      rmSync(folder, { recursive: true });
    },
  };
}
