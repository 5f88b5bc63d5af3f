// What the language of faults admits, refuses and how it says so.

import { FaultProxy, type Faults } from "@compendium/chaos";
import { expect, test } from "vitest";

const upstream = { port: 1 };

test.each<[unknown, new () => Error, string]>([
  [
    { downstream: { latencyMs: -1 } },
    RangeError,
    "downstream.latencyMs must be a number in [0, 600000], got -1",
  ],
  [
    { upstream: { latencyMs: Number.NaN } },
    RangeError,
    "upstream.latencyMs must be a number in [0, 600000], got NaN",
  ],
  [
    { both: { latencyMs: "5" } },
    TypeError,
    'both.latencyMs must be a number in [0, 600000], got "5"',
  ],
  [
    { upstream: { latencyMs: 5, jitterMs: 6 } },
    RangeError,
    "upstream.jitterMs must be in [0, latencyMs] = [0, 5], got 6",
  ],
  [
    { upstream: { bandwidthBytesPerSecond: 0 } },
    RangeError,
    "upstream.bandwidthBytesPerSecond must be a number in [1, 10000000000], got 0",
  ],
  [
    { upstream: { resetAfterBytes: 1.5 } },
    RangeError,
    "upstream.resetAfterBytes must be an integer in [0, 9007199254740991], got 1.5",
  ],
  [
    { upstream: { latency: 5 } },
    TypeError,
    "upstream.latency is not a known field; upstream may have latencyMs, jitterMs, bandwidthBytesPerSecond, blackhole, resetAfterBytes",
  ],
  [
    { upsteam: {} },
    TypeError,
    "upsteam is not a known field; faults may have upstream, downstream, both, refuse, reset",
  ],
  [{ reset: { scope: "old" } }, RangeError, 'reset.scope must be one of all, new, got "old"'],
  [{ refuse: null }, TypeError, "refuse must be true or false, got null"],
  [null, TypeError, "faults must be an object, got null"],
  [[], TypeError, "faults must be an object, got []"],
])("misuse names the field, the value and the range: %j", async (faults, kind, message) => {
  const listening = FaultProxy.listen({ upstream, faults: faults as Faults });
  await expect(listening).rejects.toThrow(kind);
  await expect(FaultProxy.listen({ upstream, faults: faults as Faults })).rejects.toThrow(message);
});

test.each([
  [{ upstream: { port: 0 } }, "upstream.port must be an integer in [1, 65535], got 0"],
  [
    { upstream, listen: { port: 65_536 } },
    "listen.port must be an integer in [0, 65535], got 65536",
  ],
  [{ upstream, connectionsMax: 0 }, "connectionsMax must be an integer in [1, 65536], got 0"],
  [
    { upstream, bufferBytesMax: 0.5 },
    "bufferBytesMax must be an integer in [1, 1073741824], got 0.5",
  ],
  [{ upstream, seed: -1 }, "seed must be an integer in [0, 2^53), got -1"],
])("an option out of range is a RangeError that names it: %j", async (options, message) => {
  await expect(FaultProxy.listen(options)).rejects.toThrow(new RangeError(message));
});

test("refused faults leave those in force as they were", async () => {
  await using proxy = await FaultProxy.listen({ upstream, faults: { refuse: true } });
  await expect(proxy.set({ both: { latencyMs: 1e9 } })).rejects.toThrow(RangeError);
  await expect(proxy.patch({ both: { jitterMs: 1 } })).rejects.toThrow(RangeError);
  expect(proxy.faults).toEqual({ refuse: true });
});

test("both goes into the two directions, whose own fields win", async () => {
  await using proxy = await FaultProxy.listen({ upstream });
  await proxy.set({ both: { latencyMs: 10 }, downstream: { latencyMs: 20, blackhole: true } });
  expect(proxy.faults).toEqual({
    upstream: { latencyMs: 10 },
    downstream: { latencyMs: 20, blackhole: true },
  });
});

test("RFC 7396: what a patch names changes, null removes, the rest stays", async () => {
  await using proxy = await FaultProxy.listen({ upstream });
  await proxy.set({ upstream: { latencyMs: 10, jitterMs: 5 }, reset: { afterMs: 9 } });
  await proxy.patch({ upstream: { latencyMs: 20 }, downstream: { blackhole: true } });
  expect(proxy.faults).toEqual({
    upstream: { latencyMs: 20, jitterMs: 5 },
    downstream: { blackhole: true },
    reset: { scope: "all", afterMs: 9 },
  });
  await proxy.patch({ both: { latencyMs: null, jitterMs: null }, reset: null });
  expect(proxy.faults).toEqual({ downstream: { blackhole: true } });
  await proxy.patch({ both: { latencyMs: 5 }, downstream: null });
  expect(proxy.faults).toEqual({ upstream: { latencyMs: 5 } });
  await proxy.patch({ both: null });
  expect(proxy.faults).toEqual({});
});
