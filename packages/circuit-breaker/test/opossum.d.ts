// opossum ships no types. Its class is what the door's is: the tests hold one against the other.
declare module "opossum" {
  import { CircuitBreaker } from "@compendium/circuit-breaker/opossum";
  export default CircuitBreaker;
}
