// A failing list of steps, made shorter: pieces are left out, halves first, as long as it fails.

/** The shortest list found that still fails, and what it fails with. */
export function shrink<S>(
  steps: readonly S[],
  run: (steps: readonly S[]) => void,
): { readonly steps: readonly S[]; readonly failure: unknown } | undefined {
  let failure = failureOf(() => run(steps));
  if (failure === undefined) return undefined;
  let shortest = steps;
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = shortest.length - size; at >= 0; at -= size) {
      const shorter = shortest.toSpliced(at, size);
      const found = failureOf(() => run(shorter));
      if (found === undefined) continue;
      shortest = shorter;
      failure = found;
      at = Math.min(at, shortest.length - size + size);
    }
  }
  return { steps: shortest, failure };
}

/** What a call throws. */
export function failureOf(call: () => void): unknown {
  try {
    call();
    return undefined;
  } catch (error) {
    return error ?? new Error("nothing was thrown, but thrown");
  }
}
