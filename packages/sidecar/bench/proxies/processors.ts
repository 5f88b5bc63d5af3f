// Which processor is whose: the proxy under measurement has one for itself, and the load and the
// services behind have the other.
import { readFileSync } from "node:fs";

/** The numbers in a list as the kernel writes it: "0-2,5". */
export function parseCpuList(text: string): number[] {
  return text
    .trim()
    .split(",")
    .flatMap((part) => {
      const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
      if (first === undefined) throw new SyntaxError(`this is no list of processors: ${text}`);
      const length = Number(last) - Number(first) + 1;
      return Array.from({ length }, (_, i) => Number(first) + i);
    });
}

/** The processors that this process may run on. */
export function allowedCpus(): number[] {
  const status = readFileSync("/proc/self/status", "utf8");
  return parseCpuList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? "");
}

/** The command, kept to one processor; it is still the process that the caller starts. */
export function pinned(cpu: number, command: readonly string[]): [string, string[]] {
  return ["taskset", ["-c", `${cpu}`, ...command]];
}
