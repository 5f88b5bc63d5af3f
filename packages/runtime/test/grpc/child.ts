// A process to kill, to stop, or to let end by itself. Says over IPC, if there is any, where it
// listens and what it hears. `exchange` opens a link both ways, closes all, and must then end.
import { once } from "node:events";
import { GrpcTransport } from "@compendium/runtime/grpc";

const [role = "exchange", address = "127.0.0.1:0"] = process.argv.slice(2);

if (role === "listen") {
  const { address: bound } = await new GrpcTransport().listen(address, async (link) => {
    try {
      for await (const message of link) link.send(message);
    } catch {
      // Whoever started this process ends the link as it likes.
    }
  });
  process.send?.(bound);
} else if (role === "connect") {
  const link = await new GrpcTransport().connect(address);
  link.send(Uint8Array.of(1));
  process.send?.("connected");
  await once(process, "disconnect");
} else {
  const [a, b] = [new GrpcTransport(), new GrpcTransport()];
  const accepted = Promise.withResolvers<AsyncIterable<Uint8Array>>();
  const { address: bound } = await b.listen(address, accepted.resolve);
  const links = await Promise.all([a.connect(bound), a.connect(bound)]);
  for (const link of links) link.send(Uint8Array.of(1));
  for await (const message of await accepted.promise) {
    process.stdout.write(`${message.length}`);
    break;
  }
  links[0].destroy();
  await a.close();
  await b.close();
  process.stdout.write(" closed");
}
