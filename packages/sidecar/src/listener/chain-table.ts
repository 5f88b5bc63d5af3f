// Which filter chain a connection takes. Envoy's order (FilterChainMatch): the server name, the
// most specific first; among those chains the transport; among those the client's protocols, in the
// client's order. Each step decides for good: a client that names "a.example" never gets a chain
// for "*.example" because its protocols do not fit the one for "a.example". What comes to nothing
// takes the default chain, or none.
import type { FilterChainConfig } from "../config/listener-config.ts";
import type { ClientHello } from "../tls/client-hello.ts";

type Transport = "tls" | "plain" | "any";

// Protocol to chain; "" is for a chain that names none.
type ByProtocol<T> = Map<string, T>;
type ByTransport<T> = Map<Transport, ByProtocol<T>>;

/** The chains of one listener. */
export class ChainTable<T extends { readonly config: FilterChainConfig }> {
  /**
   * Whether the first bytes decide. Where they do not nobody waits for them: in some protocols the
   * server speaks first.
   */
  readonly isFirstBytesNeeded: boolean;
  // Wildcards as they are written; "" is for any name.
  readonly #byName = new Map<string, ByTransport<T>>();
  readonly #default: T | undefined;

  constructor(chains: readonly T[]) {
    for (const chain of chains) if (!chain.config.match.isDefault) this.#add(chain);
    this.#default = chains.find(({ config }) => config.match.isDefault);
    this.isFirstBytesNeeded = chains.some(({ config: { match, tls } }) => {
      return tls !== undefined || match.transport !== undefined || wantsHello(match);
    });
  }

  /** The chain of a connection that begins like this; `undefined`: without TLS, or unknown. */
  find(hello: ClientHello | undefined): T | undefined {
    return this.#findByName(hello) ?? this.#default;
  }

  #findByName(hello: ClientHello | undefined): T | undefined {
    const name = hello?.serverName ?? "";
    const exact = this.#byName.get(name);
    if (exact !== undefined) return findByTransport(exact, hello);
    for (let dot = name.indexOf(".", 1); dot !== -1; dot = name.indexOf(".", dot + 1)) {
      const suffix = this.#byName.get(`*${name.slice(dot)}`);
      if (suffix !== undefined) return findByTransport(suffix, hello);
    }
    const any = this.#byName.get("");
    return any && findByTransport(any, hello);
  }

  #add(chain: T): void {
    const { match, tls } = chain.config;
    const transport = tls === undefined ? (match.transport ?? "any") : "tls";
    const names = match.serverNames.length === 0 ? [""] : match.serverNames;
    const protocols = match.applicationProtocols.length === 0 ? [""] : match.applicationProtocols;
    for (const name of names) {
      const byTransport: ByTransport<T> = this.#byName.get(name) ?? new Map();
      const byProtocol: ByProtocol<T> = byTransport.get(transport) ?? new Map();
      for (const protocol of protocols) byProtocol.set(protocol, chain);
      this.#byName.set(name, byTransport.set(transport, byProtocol));
    }
  }
}

const wantsHello = (match: FilterChainConfig["match"]): boolean =>
  match.serverNames.length + match.applicationProtocols.length > 0;

function findByTransport<T>(chains: ByTransport<T>, hello: ClientHello | undefined): T | undefined {
  const own = chains.get(hello === undefined ? "plain" : "tls");
  const byProtocol = own ?? chains.get("any");
  if (byProtocol === undefined) return undefined;
  for (const protocol of hello?.applicationProtocols ?? []) {
    const chain = byProtocol.get(protocol);
    if (chain !== undefined) return chain;
  }
  return byProtocol.get("");
}
