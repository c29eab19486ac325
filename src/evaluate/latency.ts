/** Latency at batch 1. Models are measured in turn, call by call, so that a noisy machine is noisy for all of them. */

export interface Latency {
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly runs: number;
}

export interface Measured {
  readonly name: string;
  readonly run: () => Promise<unknown>;
}

/** Median and 95th percentile of `runs` calls of each model after `warmup` calls. */
export async function measureLatencies(
  models: readonly Measured[],
  runs: number,
  warmup = 10,
): Promise<Map<string, Latency>> {
  const times = new Map(models.map((m) => [m.name, [] as number[]]));
  for (let i = -warmup; i < runs; i++) {
    for (const model of models) {
      const start = performance.now();
      await model.run();
      if (i >= 0) times.get(model.name)?.push(performance.now() - start);
    }
  }
  return new Map([...times].map(([name, values]) => [name, summarise(values)]));
}

function summarise(values: number[]): Latency {
  values.sort((a, b) => a - b);
  const at = (q: number): number => values[Math.min(values.length - 1, Math.ceil(q * values.length) - 1)] as number;
  return { medianMs: at(0.5), p95Ms: at(0.95), runs: values.length };
}
