// A client whose server's clock is the test's: whoever duplicates it, as the store does, gets a
// connection on which every decision carries the time along (timed-script.ts).
import type { Cluster, Redis } from "ioredis";

/** The server's clock, in whole µs. */
export interface ServerTime {
  nowUs: number;
}

type Call = (...given: unknown[]) => Promise<unknown>;

/** Returns the client. */
export function onTime<C extends Redis | Cluster>(client: C, time: ServerTime): C {
  const { duplicate } = client as unknown as { duplicate(...given: unknown[]): C };
  const timed = (...given: unknown[]) => {
    const own = duplicate.apply(client, given) as unknown as C & { callBuffer: Call };
    const call = own.callBuffer.bind(own) as Call;
    own.callBuffer = async (...words: unknown[]) => {
      const answer = (await call(...words, String(time.nowUs))) as unknown[];
      // What a timed script says after the package's own reply.
      return answer.slice(0, -3);
    };
    return own;
  };
  return Object.assign(client, { duplicate: timed });
}
