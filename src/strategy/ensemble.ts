/** Several students that answer together: the mean of their probabilities. */
import type { ModelRow } from "../evaluate/summary.js";
import { combineAnswers, fixedWeights, type MemberAnswers } from "../teacher/group.js";
import { answer, type ChainRow } from "./chain-row.js";
import type { RunContext } from "./context.js";
import { aggregate, hits, type Judged } from "./judge.js";
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
  const first = members[0] as ChainRow;
  const judged: Judged[] = [];
  for (const [s, { seed }] of first.row.seeds.entries()) {
    const own: MemberAnswers[] = [];
    for (const m of members) own.push({ kind: "logits", values: await answer(context, m.files[s] as string) });
    const alike = fixedWeights(undefined, members.length);
    const answers = combineAnswers(own, "mean-probabilities", alike, loaded.data.classes.length);
    const selection = "all of its members";
    judged.push({ seed, answers, kind: "probabilities", teacher: null, selection, steps: 0, seconds: 0 });
  }
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
      trainedOn: "what its members were trained on",
      ...aggregate(loaded, judged, recipe.evaluation.top_k),
      latency: null,
      curves: [],
      gradientShares: [],
    },
    files: [],
    right: async () => judged.map((j) => hits(loaded, j.answers)),
  };
}
