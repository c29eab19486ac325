/** Asks models about corrupted test samples: what stands behind `evaluation.robustness` and `limbeck evaluate --robustness`. */
import { drawStratified } from "../../learn/data/stratify.js";
import type { DataSet, LoadedData } from "../../learn/data/types.js";
import { InterruptedError } from "../../base/errors.js";
import { sizeOf } from "../../engine/graph/tensor.js";
import { correctness } from "../../learn/evaluate/metrics.js";
import { corrupt, valueRange } from "../../learn/evaluate/robustness/corruptions.js";
import { summariseErrors } from "../../learn/evaluate/robustness/score.js";
import type { MeasuredModel, RobustnessSummary, SeedErrors } from "../../learn/evaluate/robustness/types.js";
import type { RobustnessPlan } from "../recipe/schema/robustness-schema.js";
import { openSession } from "../../node/session.js";
import type { Teacher } from "../../learn/teacher/types.js";
import { type RunContext, labelsOf } from "../folder/context.js";
import type { Fitted } from "../students/fitted.js";
import { answers } from "../students/student.js";

/** Whatever answers for samples of a data set: outputs [indices.length, classes]. */
export type Answering = Pick<Teacher, "answer" | "dispose">;

/** A row of the summary that can be asked. */
export interface Askable extends Pick<MeasuredModel, "id" | "role"> {
  readonly seeds: readonly { readonly seed: number; open(): Promise<Answering> }[];
}

export interface MeasureOptions {
  readonly settings: RobustnessPlan;
  /** Samples to choose from; with labels. */
  readonly samples: Uint32Array;
  /** Id of the model to compare with; null: none. */
  readonly reference: string | null;
  readonly notes?: readonly string[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number, rate: number) => void;
}

/** Values of a batch at most, and samples. */
const MOST_VALUES = 2 ** 22;
const MOST_SAMPLES = 256;

/**
 * Errors of models under corruptions. All models are open at once and answer for the same batch, which is corrupted when it is
 * needed: there is never more than one batch of corrupted samples.
 * @throws InputError when the data cannot be corrupted; InterruptedError when stopped
 */
export async function measureRobustness(
  loaded: LoadedData,
  models: readonly Askable[],
  options: MeasureOptions,
): Promise<RobustnessSummary> {
  const { settings, reference, notes } = options;
  const samples = chosenSamples(loaded, options.samples, settings);
  const range = valueRange(loaded.data);
  const severities = [...settings.severities].sort((a, b) => a - b);
  const { corruptions, seed } = settings;
  const opened: Answering[] = [];
  try {
    for (const { seeds } of models) for (const s of seeds) opened.push(await s.open());
    const ask = new Rounds(loaded, samples, opened, 1 + corruptions.length * severities.length, options);
    const clean = await ask.round((data, batch) => ({ data, indices: batch }));
    const errors: number[][][] = opened.map(() => []);
    for (const corruption of corruptions) {
      for (const own of errors) own.push([]);
      for (const severity of severities) {
        const found = await ask.round((data, batch) => {
          const made = corrupt(data, batch, { corruption, severity, seed, range });
          return {
            data: { ...data, samples: made, size: batch.length, labels: null, fill: undefined },
            indices: Uint32Array.from(batch, (_, i) => i),
          };
        });
        for (const [m, own] of errors.entries()) own.at(-1)?.push(found[m] as number);
      }
    }
    let next = 0;
    const measured = models.map(({ id, role, seeds }): MeasuredModel => {
      const own = seeds.map((s): SeedErrors => {
        const m = next++;
        return { seed: s.seed, clean: clean[m] as number, errors: errors[m] as number[][] };
      });
      return { id, role, seeds: own };
    });
    const about = { corruptions, severities, samples: samples.length, seed, range };
    return summariseErrors(about, measured, reference, notes);
  } finally {
    for (const model of opened) await model.dispose();
  }
}

/** The samples once under every corruption, for all models together. */
class Rounds {
  #done = 0;
  readonly #started = performance.now();

  constructor(
    private readonly loaded: LoadedData,
    private readonly samples: Uint32Array,
    private readonly models: readonly Answering[],
    private readonly rounds: number,
    private readonly options: Pick<MeasureOptions, "signal" | "onProgress">,
  ) {}

  /** @returns each model's share of wrong answers */
  async round(
    prepare: (data: DataSet, batch: Uint32Array) => { readonly data: DataSet; readonly indices: Uint32Array },
  ): Promise<number[]> {
    const { loaded, samples, models, options } = this;
    const size = sizeOf(loaded.data.sampleShape);
    const chunk = Math.max(1, Math.min(MOST_SAMPLES, Math.floor(MOST_VALUES / size)));
    const wrong = models.map(() => 0);
    for (let from = 0; from < samples.length; from += chunk) {
      if (options.signal?.aborted) throw new InterruptedError("interrupted while measuring under corruptions");
      const batch = samples.subarray(from, from + chunk);
      const labels = labelsOf(loaded, batch);
      const { data, indices } = prepare(loaded.data, batch);
      for (const [m, model] of models.entries()) {
        const values = await model.answer(data, indices);
        const right = correctness(values, labels, values.length / batch.length);
        wrong[m] = (wrong[m] as number) + right.reduce((a, r) => a + 1 - r, 0);
      }
      this.#done += batch.length;
      const seconds = (performance.now() - this.#started) / 1000;
      options.onProgress?.(this.#done, this.rounds * samples.length, this.#done / Math.max(1e-3, seconds));
    }
    return wrong.map((w) => w / samples.length);
  }
}

function chosenSamples(
  { data }: LoadedData,
  samples: Uint32Array,
  { samples: most, seed }: RobustnessPlan,
): Uint32Array {
  if (most === undefined || most >= samples.length) return samples;
  return drawStratified(data.labels as Int32Array, samples, most, seed, "robustness", false).chosen;
}

/** The robustness of a run's models; absent unless its recipe asks for it. */
export async function runRobustness(
  context: RunContext,
  models: readonly (Askable | Unasked)[],
): Promise<{ readonly robustness?: RobustnessSummary }> {
  const { plan, loaded, signal, emit } = context;
  const settings = plan.evaluation.robustness;
  if (!settings) return {};
  const asked = models.filter((m): m is Askable => "seeds" in m);
  const notes = models.flatMap((m) => ("why" in m ? [`${m.id} was skipped, because ${m.why}.`] : []));
  // A model alone has nothing to be compared with.
  const compared = asked.length > 1 ? asked : [];
  const reference = compared.find((m) => m.role === "baseline") ?? compared.find((m) => m.role === "teacher");
  emit({ kind: "stage", text: "Evaluating under corruptions" });
  const robustness = await measureRobustness(loaded, asked, {
    settings,
    samples: loaded.splits.test,
    reference: reference?.id ?? null,
    notes,
    signal,
    onProgress: (done, total, rate) => emit({ kind: "measuring", text: "corrupted samples", done, total, rate }),
  });
  return { robustness };
}

/** A row whose model cannot be asked, and why. */
export interface Unasked extends Pick<MeasuredModel, "id"> {
  readonly why: string;
}

/** A model that limbeck exported, to be asked. @param expects as in `Fitted` */
export async function openExported(
  { file, expects }: Pick<Fitted, "file" | "expects">,
  threads: number,
): Promise<Answering> {
  const session = await openSession(file, { threads });
  return {
    answer: (data, indices) => answers(session, data, indices, expects),
    dispose: () => session.dispose(),
  };
}
