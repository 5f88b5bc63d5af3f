// `npm run simulate -- --redis --cases N --seed S`: compares the Lua script, on a server started
// for it, with the TypeScript over N adversarial histories, the first of them of seed S. A
// difference is printed with its history, and exits 1.
import { Comparison } from "./compare.ts";
import { redisServer, startServer } from "./server.ts";
import { makeTimedScript } from "./timed-script.ts";

// Between two of them, the server forgets everything.
const CHUNK = 5_000;

/** Compares, and resolves to the code to exit with. */
export async function simulateRedis(cases: number, first: number): Promise<number> {
  if (!redisServer.present) {
    console.error(`redis-server is absent: ${redisServer.how}`);
    return 2;
  }
  await using server = await startServer();
  const connection = server.client({ enableAutoPipelining: true });
  const comparison = new Comparison(connection, makeTimedScript());
  const startedAt = performance.now();
  for (let done = 0; done < cases; done += CHUNK) {
    const count = Math.min(CHUNK, cases - done);
    try {
      await comparison.run(first + done, count);
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
      return 1;
    }
    await connection.flushall();
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    const steps = comparison.decisions.toLocaleString("en-US");
    const histories = (done + count).toLocaleString("en-US");
    console.log(`${histories} histories agree, ${steps} steps, ${seconds} s`);
  }
  return 0;
}
