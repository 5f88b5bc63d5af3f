// What every protocol over GrpcTransport promises, under its own name: its .proto is what is spoken
// (a client and a server made from it by protobuf's own library talk to it), others are refused,
// and with certificates only members of one authority meet.
import { GrpcTransport, type GrpcTransportOptions } from "@compendium/runtime/grpc";
import {
  type Client,
  type ClientDuplexStream,
  credentials,
  loadPackageDefinition,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { Authority } from "./certificates.ts";
import { all, LOCAL, plain, refusalOf, World } from "./world.ts";

/** A protocol's transport, and what declares it. */
export interface ServiceUnderTest {
  readonly GrpcTransport: new (options?: GrpcTransportOptions) => GrpcTransport;
  /** The file that declares the service. */
  readonly proto: string;
  /** The service, with its package. */
  readonly service: string;
}

/** The message of a call, as protobuf's library gives it. */
export interface Frame {
  readonly data: Uint8Array[];
}

interface ServiceClient {
  new (
    ...args: ConstructorParameters<typeof Client>
  ): Client & { Link(): ClientDuplexStream<Frame, Frame> };
  readonly service: { readonly Link: MethodDefinition<Frame, Frame> };
}

/** The service that a file declares, as protobuf's own library understands it. */
export function loadService({ proto, service }: Omit<ServiceUnderTest, "GrpcTransport">) {
  let found: unknown = loadPackageDefinition(loadSync(proto, { arrays: true }));
  for (const name of service.split(".")) found = (found as Record<string, unknown>)[name];
  return found as ServiceClient;
}

export function describeService(subject: ServiceUnderTest): void {
  const Service = loadService(subject);
  let world: World;

  beforeEach(() => {
    world = new World(subject);
    onTestFinished(() => world[Symbol.asyncDispose]());
  });

  test("a client made from the .proto speaks to a listener", async () => {
    const { address, accepted } = await world.listening(world.transport());
    const client = new Service(address, credentials.createInsecure());
    world.defer(() => client.close());
    const call = client.Link();
    const heard: number[][] = [];
    call.on("data", ({ data }: Frame) => heard.push(...plain(data)));
    const over = new Promise<unknown>((resolve) => call.on("status", resolve));
    call.write({ data: [Uint8Array.of(1, 2), Uint8Array.of()] });
    const link = await accepted;
    link.send(Uint8Array.of(3));
    link.send(Uint8Array.of());
    expect(plain([(await link[Symbol.asyncIterator]().next()).value ?? []])).toEqual([[1, 2]]);
    await link.close();
    expect(await over).toMatchObject({ code: 0 });
    expect(heard).toEqual([[3], []]);
  });

  test("a link speaks to a server made from the .proto", async () => {
    const server = new Server();
    world.defer(() => server.forceShutdown());
    server.addService(Service.service, {
      Link: (call: ServerDuplexStream<Frame, Frame>) => {
        call.sendMetadata(call.metadata);
        call.on("data", ({ data }: Frame) => call.write({ data: [...data, Uint8Array.of(9)] }));
        call.on("end", () => call.end());
      },
    });
    const port = await new Promise<number>((resolve) => {
      server.bindAsync(LOCAL, ServerCredentials.createInsecure(), (_, bound) => resolve(bound));
    });
    const link = await world.transport().connect(`127.0.0.1:${port}`);
    for (const value of [1, 2]) link.send(Uint8Array.of(value));
    const heard: number[][] = [];
    for await (const message of link) {
      heard.push([...message]);
      if (heard.length === 3) break;
    }
    expect(heard).toEqual([[1], [2], [9]]);
    await link.close();
    expect(await link.closed).toBeUndefined();
  });

  test("another protocol is refused at either end, and told what it has dialled", async () => {
    await using other = new GrpcTransport({ service: "another.v1.Protocol" });
    const ours = world.transport();
    const expectRefusal = async (from: GrpcTransport, to: GrpcTransport): Promise<void> => {
      const links: unknown[] = [];
      const { address } = await to.listen(LOCAL, (link) => links.push(link));
      const refusal = await refusalOf(from.connect(address));
      expect(refusal).toMatchObject({ code: "CONNECT_FAILED" });
      expect(String(refusal)).toMatch(/both ends must name the same service/);
      expect(links).toEqual([]);
    };
    await expectRefusal(ours, other);
    await expectRefusal(other, ours);
  });

  test("members of one authority meet, strangers do not, and certificates are replaced", async () => {
    const [old, young] = [new Authority("old"), new Authority("young")];
    const a = world.transport({ tls: old.member("a") });
    const b = world.transport({ tls: old.member("b") });
    const { address, accepted } = await world.listening(b);
    const near = await a.connect(address);
    const stranger = world.transport({ tls: { ...young.member("c"), ca: old.ca } });
    expect(await refusalOf(stranger.connect(address))).toMatchObject({ code: "CONNECT_FAILED" });
    expect(await refusalOf(world.transport().connect(address))).toMatchObject({
      code: "CONNECT_FAILED",
    });
    b.replaceCertificates(young.member("b"));
    expect(await refusalOf(a.connect(address))).toMatchObject({ code: "CONNECT_FAILED" });
    a.replaceCertificates(young.member("a"));
    await a.connect(address);
    near.send(Uint8Array.of(1));
    near.close();
    expect(await all(await accepted)).toEqual([Uint8Array.of(1)]);
  });
}
