// Waiting in turns of the event loop: for what must come, however long the machine takes.

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}
