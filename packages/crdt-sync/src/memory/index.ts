export { MemoryNetwork, type MemoryNetworkOptions } from "./memory-network.ts";
