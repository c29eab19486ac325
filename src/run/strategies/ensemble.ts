/** Several students that answer together: the mean of their probabilities. */
import type { TestScores } from "../../learn/evaluate/scores.js";
import type { ModelRow } from "../../learn/evaluate/summary.js";
import { combineAnswers, fixedWeights, type MemberAnswers } from "../../learn/teacher/group/group.js";
import { type ChainRow, openAnswers } from "./chain-row.js";
import type { RunContext } from "../folder/context.js";
import { type Answers, aggregate, type Judged, rightOf, scoreTest, warnOfWeakness } from "../pipeline/judge.js";
import type { Ensemble } from "./hop-plan.js";

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
  const { loaded, plan } = context;
  const first = members[0] as ChainRow;
  const judged: Judged[] = [];
  for (const [s, { seed }] of first.row.seeds.entries()) {
    const files = members.map((m) => m.files[s] as string);
    const scored = await scoreTogether(context, files);
    judged.push({ seed, scored, selection: "weights of all members", steps: 0, seconds: 0 });
  }
  warnOfWeakness(context, ensemble.title, judged);
  // Of what one member does not know, the sum is not known either.
  const sum = (of: (m: ModelRow) => number | null): number | null =>
    members.reduce<number | null>((a, { row }) => {
      const own = of(row);
      return a === null || own === null ? null : a + own;
    }, 0);
  return {
    row: {
      ...first.row,
      id: ensemble.title,
      name: ensemble.title,
      role: "student",
      architecture: `mean of the probabilities of ${members.length} models`,
      parameters: sum((m) => m.parameters),
      macs: sum((m) => m.macs ?? null),
      fileBytes: sum((m) => m.fileBytes),
      trainedOn: "the training data of its members",
      ...aggregate(loaded, judged, plan.evaluation.topK),
      latency: null,
      curves: [],
      gradientShares: [],
    },
    files: [],
    right: async () => rightOf(judged),
  };
}

/** Scores the mean of the probabilities of several models. */
async function scoreTogether(context: RunContext, files: readonly string[]): Promise<TestScores> {
  const classes = context.loaded.data.classes.length;
  const alike = fixedWeights(undefined, files.length);
  const opened: Awaited<ReturnType<typeof openAnswers>>[] = [];
  try {
    for (const file of files) opened.push(await openAnswers(context, file));
    const mean: Answers = {
      kind: "probabilities",
      async ask(indices) {
        const own: MemberAnswers[] = [];
        for (const { kind, ask } of opened) own.push({ kind, values: await ask(indices) });
        return combineAnswers(own, "mean-probabilities", alike, classes);
      },
    };
    return await scoreTest(context, mean, null);
  } finally {
    for (const { dispose } of opened) await dispose();
  }
}
