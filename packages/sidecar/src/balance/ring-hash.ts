// The hash ring (Karger et al., "Consistent Hashing and Random Trees", 1997; built as Envoy does,
// after Ketama). Every host stands at many places of a circle, and a request goes to the first
// host at or after its hash. A host that leaves gives up its places, and no key moves between two
// others as long as they keep theirs.
//
// They do not quite: Envoy's ring keeps its size. Of 1,024 places ten hosts have 103 each and nine
// have 114, and the eleven new places of each take keys, too: 17 to 19 % of all keys move where 10
// have to. Maglev moves 10.5 %, is more even, and quicker to ask; a ring costs less to build. How
// even it is depends on the places: shares of hosts with k places scatter by about 1/√k.
//
// Places are compared by their upper 53 bits, which fit a number. Building is O(n log n) in places.
import type { Host } from "../cluster/host.ts";
import type { HostPicker, RequestHash, WeightedHosts } from "./balancer.ts";
import { hash53 } from "./xxh64.ts";

/** Bounds of a ring, in places. */
export interface RingHashOptions {
  readonly sizeMin: number;
  readonly sizeMax: number;
}

/** Picks by hash: the same host for the same hash, while it is there. O(log places). */
export class RingHashPicker implements HostPicker {
  // Places in order, and whose each is.
  readonly #places: Float64Array;
  readonly #owners: readonly Host[];

  constructor({ hosts, weights }: WeightedHosts, { sizeMin, sizeMax }: RingHashOptions) {
    const sum = weights.reduce((all, weight) => all + weight, 0);
    const least = weights.reduce((low, weight) => Math.min(low, weight)) / sum;
    // The lightest host gets a whole number of places, if there is room for as many.
    const scale = Math.min(Math.ceil(least * sizeMin) / least, sizeMax);
    const places: number[] = [];
    const owners: Host[] = [];
    let target = 0;
    for (const [i, host] of hosts.entries()) {
      target += (scale * weights[i]!) / sum;
      // `target` is a sum of fractions: a whole number may come out a little above itself.
      for (let copy = 0; places.length < target - 1e-6; copy++) {
        places.push(hash53(`${host.address}_${copy}`));
        owners.push(host);
      }
    }
    const order = Uint32Array.from(places.keys()).sort((a, b) => places[a]! - places[b]!);
    this.#places = Float64Array.from(order, (place) => places[place]!);
    this.#owners = Array.from(order, (place) => owners[place]!);
  }

  pick(hash: RequestHash, attempt: number): Host {
    const places = this.#places;
    const position = typeof hash === "number" ? hash : Number(BigInt.asUintN(64, hash) >> 11n);
    let low = 0;
    let high = places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (places[middle]! < position) low = middle + 1;
      else high = middle;
    }
    // After the last place comes the first. Another attempt goes on along the ring.
    return this.#owners[(low + attempt) % places.length]!;
  }
}
