/** Searches for the best values of recipe fields on validation samples; the implementation of `limbeck sweep`. */
import { scoreText } from "../../learn/evaluate/score-metric.js";
import { join } from "node:path";
import { writeFileAtomic } from "../../node/atomic.js";
import type { LoadedData } from "../../learn/data/types.js";
import { InputError, within } from "../../base/errors.js";
import { mostOf } from "../../learn/evaluate/chance.js";
import type { SweepField, SweepRow, SweepSummary } from "../../learn/evaluate/sweep.js";
import { noun } from "../../base/noun.js";
import { packageVersion } from "../../node/package-root.js";
import { planOf, recipeOf, recipeToYaml } from "../../run/recipe/load.js";
import { withAbsoluteFiles } from "../../run/recipe/paths.js";
import type { Plan, RecipeInput } from "../../run/recipe/schema/schema.js";
import { maskSecrets, maskText } from "../../base/secrets.js";
import { expandArms } from "../../run/pipeline/arms.js";
import type { Arm } from "../../run/teaching/arm.js";
import { checkModels } from "../../run/pipeline/check.js";
import { beginRun } from "../../run/folder/begin-run.js";
import { type RunContext, type RunOptions, seedsOf } from "../../run/folder/context.js";
import { allRules } from "../../run/strategies/rules.js";
import { factsOf } from "../../run/teaching/rules/facts.js";
import { checkRules } from "../../run/teaching/rules/rule.js";
import { type Combination, combinationsOf } from "./combinations.js";
import { type Candidate, checkMetric, type Swept, trainSweep } from "./train.js";

export interface SweepOptions extends RunOptions {
  /** Folder of the run; default runs/<name>-sweep, or with -2 ... if it exists. */
  readonly out?: string;
}

export interface SweepResult {
  readonly directory: string;
  /** The content of sweep.json. */
  readonly summary: SweepSummary;
  readonly best: SweepRow;
  /** Paths of the best combination's recipe, the report, sweep.json and sweep.csv. */
  readonly bestRecipe: string;
  readonly report: string;
  readonly summaryFile: string;
  readonly table: string;
}

/**
 * Trains the recipe's student with every combination of the fields in its `sweep` section, over its seeds. Combinations are
 * ranked by accuracy on the validation samples, or by agreement with the teacher if there are no labels. Test samples are not
 * used. All combinations that do not change the teacher share one, which is trained and labels once.
 * @throws InputError if the recipe, a swept field or a value cannot be used, before anything is trained; RunError if all
 *   training runs fail; InterruptedError if it is stopped
 */
export async function sweep(input: RecipeInput, options: SweepOptions = {}): Promise<SweepResult> {
  const plan = planOf(input);
  checkRules(allRules(), ["recipe", "sweep"], { plan });
  const { fields, combinations } = combinationsOf(input, plan);
  return beginRun({
    plan,
    options,
    marks: { kind: "sweep", name: `${plan.name}-sweep` },
    check(loaded, folder) {
      checkRules(allRules(), ["sweep"], { plan, data: factsOf(loaded) });
      return candidatesOf(combinations, loaded, folder);
    },
    async work({ context, seconds }, candidates) {
      announce(context, fields, candidates);
      const swept = await trainSweep(context, candidates);
      const summary = summaryOf(context, fields, swept, options.command ?? "sweep(recipe)", seconds());
      return { directory: context.directory, summary, ...(await writeSweep(context, summary, candidates)) };
    },
  });
}

/** What every combination may see, with its models built once. @throws InputError naming the combination */
function candidatesOf(combinations: readonly Combination[], loaded: LoadedData, folder: string): Candidate[] {
  const checked = new Set<string>();
  const candidates = combinations.map((combination): Candidate => {
    const { plan, title } = combination;
    try {
      const [arm] = expandArms({ ...plan, variants: [] }, loaded) as [Arm];
      const key = JSON.stringify([plan.student, plan.teacher, plan.objective.studentLoss, plan.objective.terms]);
      if (!checked.has(key)) checkModels([arm], loaded, folder);
      checked.add(key);
      return { ...combination, arm };
    } catch (cause) {
      if (!(cause instanceof InputError)) throw cause;
      throw within(cause, `sweep ${title}`);
    }
  });
  checkMetric(candidates);
  return candidates;
}

function announce(
  { emit, plan, loaded, directory }: RunContext,
  fields: readonly SweepField[],
  all: readonly Candidate[],
) {
  const { splits, data } = loaded;
  emit({ kind: "stage", text: `Sweeping ${plan.name} over ${fields.map((f) => f.path).join(", ")}` });
  const trainings = `${noun(all.length, "combination")}, ${noun(plan.seeds, "seed")} each`;
  emit({
    kind: "info",
    text: `${trainings}; evaluated on ${noun(splits.validation.length, "validation sample")} of ${data.name}`,
  });
  emit({ kind: "info", text: `folder: ${directory} (Ctrl-C stops, --resume continues)` });
}

function summaryOf(
  { plan, loaded, warnings }: RunContext,
  fields: readonly SweepField[],
  { rows, rungs, metric, teachers }: Swept,
  command: string,
  durationSeconds: number,
): SweepSummary {
  return {
    limbeck: packageVersion(),
    name: plan.name,
    description: plan.description ?? null,
    command: maskText(command),
    durationSeconds,
    metric,
    validationSamples: loaded.splits.validation.length,
    seeds: seedsOf(plan),
    fields,
    rungs,
    rows,
    teacher: teachers.join("; "),
    warnings: [...new Set([...warnings, ...constantBeats(loaded, metric, rows)])].map(maskText),
    recipe: maskSecrets(recipeOf(plan)),
    audit: loaded.audit,
  };
}

/** A warning if even the best combination is not above always predicting the largest class. */
function constantBeats({ data, splits }: LoadedData, metric: Swept["metric"], rows: readonly SweepRow[]): string[] {
  const best = rows[0]?.score?.mean;
  const labels = Array.from(splits.validation, (i) => data.labels?.[i] ?? -1).filter((label) => label >= 0);
  if (metric !== "accuracy" || best === undefined || labels.length === 0) return [];
  const counts = new Uint32Array(data.classes.length);
  for (const label of labels) counts[label] = (counts[label] as number) + 1;
  const largest = mostOf(counts);
  const share = (counts[largest] as number) / labels.length;
  const percent = (v: number): string => `${(100 * v).toFixed(1)} %`;
  if (best > share || share === 1) return [];
  return [
    `the best combination's accuracy of ${percent(best)} is not above that of a constant answer. Always predicting the largest class, "${data.classes[largest]}", is correct for ${percent(share)} of the validation samples. Judge the combinations by the recall of every class.`,
  ];
}

/** Writes the best recipe, the table and the report. */
async function writeSweep(
  { directory, folder }: RunContext,
  summary: SweepSummary,
  candidates: readonly Candidate[],
): Promise<Omit<SweepResult, "directory" | "summary">> {
  const [best] = summary.rows as [SweepRow];
  const winner = candidates.find((c) => c.values === best.values) as Candidate;
  const file = (name: string): string => join(directory, name);
  const { renderSweep } = await import("../../learn/report/sweep.js");
  await writeFileAtomic(file("best.yaml"), bestYaml(winner.plan, folder, summary));
  await writeFileAtomic(file("sweep.json"), `${JSON.stringify(summary, null, 2)}\n`);
  await writeFileAtomic(file("sweep.csv"), csvOf(summary));
  await writeFileAtomic(file("report.html"), await renderSweep(summary));
  return {
    best,
    bestRecipe: file("best.yaml"),
    report: file("report.html"),
    summaryFile: file("sweep.json"),
    table: file("sweep.csv"),
  };
}

/** The files it names are found from wherever it is run. */
function bestYaml(plan: Plan, folder: string, { rows, metric, validationSamples }: SweepSummary): string {
  const [best] = rows as [SweepRow];
  const score = scoreText(metric, best.score?.mean ?? 0, 2);
  return `# ${plan.name} with the best values of its sweep: ${best.set.join(", ").replaceAll("\n", " ")}
# validation ${metric} ${score} over ${noun(validationSamples, "sample")}, best of ${noun(rows.length, "combination")}
${recipeToYaml(recipeOf(withAbsoluteFiles(plan, folder)))}`;
}

/** One line a combination, best first; the seeds' scores in columns of their own. */
export function csvOf({ fields, rows, seeds, metric }: SweepSummary): string {
  const head = ["rank", ...fields.map((f) => f.path), metric, ...seeds.map((s) => `${metric} of seed ${s}`)];
  const lines = rows.map((row) => [
    row.rank,
    ...fields.map((f) => row.values[f.path]),
    row.score?.mean ?? null,
    ...row.seeds.map((s) => s.score),
    row.tie,
    row.seeds[0]?.steps,
    row.parameters,
    row.rung,
    row.error,
  ]);
  return [[...head, "tie", "steps", "parameters", "rung", "error"], ...lines]
    .map((l) => l.map(cell).join(","))
    .join("\n")
    .concat("\n");
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
