/** From test answers to the rows of the summary: collects what evaluate/scores.ts takes. */

import { spreadOver } from "../../learn/data/labels/labels.js";
import type { DataSet, LoadedData } from "../../learn/data/types.js";
import { checkChance, mostOf } from "../../learn/evaluate/chance.js";
import type { OutputKind } from "../../learn/evaluate/metrics.js";
import {
  aggregateScores,
  type RowScores,
  Scorer,
  type ScorerOptions,
  type TestScores,
} from "../../learn/evaluate/scores.js";
import type { ModelRow } from "../../learn/evaluate/summary.js";
import { weaknesses } from "../../learn/evaluate/weak-models.js";
import type { LabelStore } from "../../learn/teacher/store/store.js";
import type { Teacher } from "../../learn/teacher/types.js";
import { comparesDirections } from "../../engine/objective/directions.js";
import { labelsOf, type RunContext } from "../folder/context.js";
import { objectiveOf } from "../recipe/resolve.js";
import { answering } from "../students/fit.js";
import type { Fitted } from "../students/fitted.js";

/** One trained model, scored on the test samples. */
export interface Judged {
  readonly seed: number;
  readonly scored: TestScores;
  readonly selection: string;
  readonly steps: number;
  readonly seconds: number;
  /** Of a teacher: opens it for other samples; absent where only its answers are there. */
  readonly open?: () => Promise<Teacher>;
}

/** Whatever answers for samples, by their index in the data set. */
export interface Answers {
  readonly kind: OutputKind;
  /** Outputs [indices.length, classes]. */
  ask(indices: Uint32Array): Promise<Float32Array> | Float32Array;
}

/** Values of a piece of outputs, about. */
const PIECE = 2 ** 22;
/** Samples of a piece are a multiple of it: models answer in batches of as many, whatever the pieces. */
const BATCH = 512;

/** Classes where the data does not name them. */
const UNKNOWN = 4096;

/** Samples in pieces whose outputs take little memory, however many classes there are. */
export function* piecesOf(samples: Uint32Array, classes: number): Generator<Uint32Array> {
  const rows = Math.max(1, Math.floor(PIECE / Math.max(1, classes) / BATCH)) * BATCH;
  for (let from = 0; from < samples.length; from += rows) yield samples.subarray(from, from + rows);
}

/** Scores a model on samples, piece by piece. @param teacher null for the teacher itself */
export async function scoreAnswers(
  data: DataSet,
  samples: Uint32Array,
  labels: Int32Array | null,
  own: Answers,
  teacher: Answers | null,
  measured: Pick<ScorerOptions, "k" | "cosine">,
): Promise<TestScores> {
  let scorer: Scorer | null = null;
  for (const part of piecesOf(samples, data.classes.length || UNKNOWN)) {
    const values = await own.ask(part);
    const classes = values.length / part.length;
    scorer ??= new Scorer({ classes, labels, kind: own.kind, teacherKind: teacher?.kind ?? null, ...measured });
    scorer.add(values, teacher && (await teacher.ask(part)));
  }
  scorer ??= new Scorer({ classes: data.classes.length, labels: null, kind: own.kind, teacherKind: null, ...measured });
  return scorer.finish();
}

/** As `scoreAnswers` for the run's test samples. */
export function scoreTest(
  { loaded, plan }: Pick<RunContext, "loaded" | "plan">,
  own: Answers,
  teacher: Answers | null,
): Promise<TestScores> {
  const { data, splits } = loaded;
  const labels = testLabels(loaded);
  const cosine = labels === null && comparesDirections(objectiveOf(plan.objective));
  return scoreAnswers(data, splits.test, labels, own, teacher, { k: plan.evaluation.topK, cosine });
}

/** Scores an exported model, which is open only meanwhile. */
export async function scoreExported(
  context: Pick<RunContext, "loaded" | "plan" | "execution">,
  model: Pick<Fitted, "file" | "expects">,
  teacher: Answers | null,
): Promise<TestScores> {
  const opened = await answering(model, context.loaded.data, context.execution.threads);
  return scoreTest(context, { kind: "logits", ask: opened.ask }, teacher).finally(opened.dispose);
}

/** Answers that are in a label store. */
export function storedAnswers(store: LabelStore): Answers {
  const classes = store.header.classes.length;
  return {
    kind: store.kind,
    ask(indices) {
      const out = new Float32Array(indices.length * classes);
      store.gather(indices, out);
      return out;
    },
  };
}

/** Labels of the test samples; null unless every one is known. */
export function testLabels(loaded: LoadedData): Int32Array | null {
  const labels = labelsOf(loaded, loaded.splits.test);
  return labels.length > 0 && labels.every((l) => l >= 0) ? labels : null;
}

/** Means, intervals, per-class scores and confusion over the seeds of one row. */
export function aggregate(
  loaded: LoadedData,
  judged: readonly Judged[],
  k: number,
): RowScores & Pick<ModelRow, "seeds"> {
  const { classes } = loaded.data;
  return {
    seeds: judged.map(({ seed, scored, selection, steps, seconds }) => ({
      seed,
      ...scored.scores,
      ...topAnswerOf(scored, classes),
      aboveChance: scored.counts && (checkChance(scored.counts)?.above ?? null),
      selection,
      steps,
      seconds,
    })),
    ...aggregateScores(
      judged.map((j) => j.scored),
      classes,
      k,
    ),
  };
}

function topAnswerOf(
  { answers }: TestScores,
  classes: readonly string[],
): Pick<ModelRow["seeds"][number], "topAnswer"> {
  if (answers.length === 0) return {};
  const counts = new Uint32Array(answers.reduce((most, c) => Math.max(most, c), 0) + 1);
  for (const c of answers) counts[c] = (counts[c] as number) + 1;
  const top = mostOf(counts);
  return { topAnswer: { class: classes[top] ?? String(top), share: (counts[top] as number) / answers.length } };
}

/** Where each test sample is right, for a paired comparison: one array a seed. Only with labels. */
export function rightOf(judged: readonly Judged[]): Uint8Array[] {
  return judged.map(({ scored }) => scored.correct as Uint8Array);
}

/** Samples that a teacher's early check looks at. */
const LOOKED_AT = 500;

/** Warns of a teacher like `warnOfWeakness`, before students learn from it: on validation samples. */
export async function warnOfTeacher({ loaded, emit }: RunContext, name: string, store: LabelStore): Promise<void> {
  const { data, splits } = loaded;
  const all = labelsOf(loaded, splits.validation);
  const samples = spreadOver(
    splits.validation.filter((_, i) => (all[i] as number) >= 0),
    LOOKED_AT,
  );
  if (samples.length === 0 || store.header.classes.length !== data.classes.length) return;
  const scored = await scoreAnswers(data, samples, labelsOf(loaded, samples), storedAnswers(store), null, { k: 1 });
  for (const text of weaknesses(name, [{ seed: 0, scored }], data.classes, "validation"))
    emit({ kind: "warning", text });
}

/** Warns where a model names one class alone, or does no better than chance or than naming the largest class. */
export function warnOfWeakness(
  { loaded, warnings }: Pick<RunContext, "loaded" | "warnings">,
  model: string,
  judged: readonly Judged[],
): void {
  for (const sentence of weaknesses(model, judged, loaded.data.classes)) warnings.push(sentence);
}
