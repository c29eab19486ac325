/** Several students that answer together: the mean of their probabilities. */
import { aggregateScores, scoreOutputs } from "../evaluate/scores.js";
import { answer, type ChainRow } from "./chain-row.js";
import type { RunContext } from "./context.js";
import { hits, testLabels } from "./judge.js";
import type { Ensemble } from "./plan.js";

/**
 * The row of an ensemble: for each seed the mean over its members of softmax(z), scored as one model. It has no file of its
 * own; its size is that of its members.
 * @param rows where the members are found by title
 */
export async function ensembleRow(
  context: RunContext,
  ensemble: Ensemble,
  rows: readonly ChainRow[],
): Promise<ChainRow> {
  const members = ensemble.hops.map((title) => rows.find((r) => r.row.id === title) as ChainRow);
  const { loaded, recipe } = context;
  const classes = loaded.data.classes.length;
  const known = testLabels(loaded);
  const k = recipe.evaluation.top_k;
  const seeds = members[0]?.files.length ?? 0;
  const answers: Float32Array[] = [];
  for (let s = 0; s < seeds; s++) {
    const logits: Float32Array[] = [];
    for (const m of members) logits.push(await answer(context, m.files[s] as string));
    answers.push(meanProbabilities(logits, classes));
  }
  const scores = answers.map((values) => scoreOutputs({ kind: "probabilities", values }, known, null, classes, k));
  const sum = (of: (m: ChainRow) => number | null): number => members.reduce((a, m) => a + (of(m) ?? 0), 0);
  const first = members[0] as ChainRow;
  return {
    row: {
      ...first.row,
      id: ensemble.title,
      name: ensemble.title,
      role: "student",
      architecture: `mean of the probabilities of ${members.length} models`,
      parameters: sum((m) => m.row.parameters),
      macs: sum((m) => m.row.macs ?? null),
      fileBytes: sum((m) => m.row.fileBytes),
      trainedOn: "what its members were trained on",
      seeds: first.row.seeds.map((seed, s) => ({
        seed: seed.seed,
        ...(scores[s] as (typeof scores)[number]).scores,
        selection: "all of its members",
        steps: 0,
        seconds: 0,
      })),
      ...aggregateScores(scores, loaded.data.classes, k),
      latency: null,
      curves: [],
      gradientShares: [],
    },
    files: [],
    right: async () => answers.map((values) => hits(loaded, values)),
  };
}

/**
 * The mean of softmax(z) over models, [samples, classes].
 * @param logits one array [samples, classes] a model
 */
export function meanProbabilities(logits: readonly Float32Array[], classes: number): Float32Array {
  const out = new Float32Array(logits[0]?.length ?? 0);
  for (const z of logits) {
    for (let at = 0; at < z.length; at += classes) {
      const row = z.subarray(at, at + classes);
      const top = row.reduce((a, v) => Math.max(a, v), Number.NEGATIVE_INFINITY);
      const total = row.reduce((a, v) => a + Math.exp(v - top), 0);
      for (let c = 0; c < classes; c++)
        out[at + c] = (out[at + c] as number) + Math.exp((row[c] as number) - top) / total / logits.length;
    }
  }
  return out;
}
