// Which chain a connection takes: Envoy's FilterChainMatch, sentence by sentence.
import assert from "node:assert/strict";
import type { FilterChainConfig } from "../../src/config/listener-config.ts";

type ChainTable = typeof import("../../src/listener/chain-table.ts").ChainTable;

interface Asked {
  readonly name?: string;
  readonly alpn?: readonly string[];
}

interface Wanted {
  readonly names?: readonly string[];
  readonly alpn?: readonly string[];
  readonly transport?: "tls" | "plain";
  readonly isDefault?: true;
  readonly tls?: boolean;
}

function tableOf(Table: ChainTable, chains: Readonly<Record<string, Wanted>>) {
  const made = Object.entries(chains).map(([name, { names = [], alpn = [], tls, ...match }]) => {
    const config = {
      name,
      match: { serverNames: names, applicationProtocols: alpn, ...match },
      tls: tls === false ? undefined : {},
    } as unknown as FilterChainConfig;
    return { config };
  });
  const table = new Table(made);
  return {
    table,
    find: (asked: Asked | undefined): string | undefined => {
      const { name: serverName, alpn: applicationProtocols = [] } = asked ?? {};
      return table.find(asked && { serverName, applicationProtocols })?.config.name;
    },
  };
}

export const chainTraps: Readonly<Record<string, (Table: ChainTable) => void>> = {
  "the most specific server name wins: itself, then the longest wildcard, then any": (Table) => {
    const { find } = tableOf(Table, {
      any: {},
      short: { names: ["*.example"] },
      long: { names: ["*.a.example"] },
      exact: { names: ["b.a.example"] },
    });
    assert.equal(find({ name: "b.a.example" }), "exact");
    assert.equal(find({ name: "c.a.example" }), "long");
    assert.equal(find({ name: "d.c.a.example" }), "long");
    assert.equal(find({ name: "a.example" }), "short");
    assert.equal(find({ name: "example" }), "any");
    assert.equal(find({ name: "example.org" }), "any");
    assert.equal(find({}), "any");
  },
  "a wildcard stands for something": (Table) => {
    const { find } = tableOf(Table, { wild: { names: ["*.example"] } });
    assert.equal(find({ name: ".example" }), undefined);
    assert.equal(find({ name: "example" }), undefined);
  },
  "of chains with a name the client's first protocol decides": (Table) => {
    const { find } = tableOf(Table, {
      two: { alpn: ["h2"] },
      one: { alpn: ["http/1.1", "http/1.0"] },
      rest: {},
    });
    assert.equal(find({ alpn: ["h2", "http/1.1"] }), "two");
    assert.equal(find({ alpn: ["http/1.1", "h2"] }), "one");
    assert.equal(find({ alpn: ["http/1.0"] }), "one");
    assert.equal(find({ alpn: ["spdy"] }), "rest");
    assert.equal(find({}), "rest");
  },
  "a step that has decided is not taken back": (Table) => {
    const chains = { exact: { names: ["a.example"], alpn: ["h2"] }, any: {} };
    assert.equal(tableOf(Table, chains).find({ name: "a.example", alpn: ["x"] }), undefined);
    const { find } = tableOf(Table, { ...chains, fallback: { isDefault: true } });
    assert.equal(find({ name: "a.example", alpn: ["x"] }), "fallback");
    assert.equal(find({ name: "b.example", alpn: ["x"] }), "any");
  },
  "TLS and its absence are told apart": (Table) => {
    const { find } = tableOf(Table, { safe: {}, plain: { tls: false, transport: "plain" } });
    assert.equal(find({}), "safe");
    assert.equal(find(undefined), "plain");
    assert.equal(tableOf(Table, { safe: {} }).find(undefined), undefined);
    const passed = tableOf(Table, { any: { tls: false }, raw: { tls: false, transport: "tls" } });
    assert.equal(passed.find({}), "raw");
    assert.equal(passed.find(undefined), "any");
  },
  "the first bytes are waited for only where chains differ by them": (Table) => {
    const isNeeded = (chains: Readonly<Record<string, Wanted>>): boolean =>
      tableOf(Table, chains).table.isFirstBytesNeeded;
    assert.equal(isNeeded({ a: { tls: false } }), false);
    assert.equal(isNeeded({ a: { tls: false, isDefault: true } }), false);
    assert.equal(isNeeded({ a: {} }), true);
    assert.equal(isNeeded({ a: { tls: false, names: ["a"] } }), true);
    assert.equal(isNeeded({ a: { tls: false, alpn: ["h2"] } }), true);
    assert.equal(isNeeded({ a: { tls: false, transport: "plain" } }), true);
  },
};
