// A real client's judgement of a proxy's answers, before the load's own lanes call through it.
import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { method, said } from "./grpc-messages.ts";

const Client = makeGenericClientConstructor({}, "bench");

/** Rejects unless a call through this port ends with OK and the message. */
export async function judgeGrpc(port: number): Promise<void> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const same = (bytes: Buffer): Buffer => bytes;
  try {
    const heard = await new Promise<Buffer | undefined>((resolve, reject) => {
      const deadline = Date.now() + 5_000;
      client.makeUnaryRequest(method, same, same, said, { deadline }, (error, value) => {
        if (error) reject(error);
        else resolve(value);
      });
    });
    if (!heard?.equals(said)) throw new Error(`grpc-js was told ${heard?.toString("hex")}`);
  } finally {
    client.close();
  }
}
