/** A teacher that is not better than its student would be without it. */
import { teacherEntryOf } from "../../run/teaching/registry.js";
import type { LoadedData } from "../../learn/data/types.js";
import { correctness } from "../../learn/evaluate/metrics.js";
import { compare } from "../../learn/evaluate/verdict.js";
import { noun } from "../../base/noun.js";
import { baselineObjectiveOf } from "../../run/recipe/resolve.js";
import type { Plan } from "../../run/recipe/schema/schema.js";
import { expandArms } from "../../run/pipeline/arms.js";
import type { Arm } from "../../run/teaching/arm.js";
import { labelsOf } from "../../run/folder/context.js";
import { answersOf } from "../../run/students/fit.js";
import { trainShort } from "./short-training.js";
import { type Check, fine, type Patient, skipped } from "./types.js";

const CHECK = "teacher against baseline";
/** Fewer labelled validation samples say nothing. */
const FEWEST = 50;

interface Baseline {
  readonly what: string;
  /** Answers on the samples, one array a seed. */
  readonly answers: readonly Float32Array[];
}

/** Compares both on validation samples: those of a finished run's baseline, or of a short training on labels alone. */
export const weakTeacher: Check = async (patient) => {
  const { plan, loaded, quick, answers } = patient;
  if (quick) return [skipped(CHECK, "it trains a baseline and --quick is set")];
  if (!answers) return [skipped(CHECK, "the teacher's answers are not available")];
  const { classes } = answers;
  const rows = validationRows(patient);
  if (rows.length < FEWEST || classes !== loaded.data.classes.length)
    return [skipped(CHECK, `it needs ${FEWEST} labelled validation samples, found ${rows.length}`)];
  const indices = Uint32Array.from(rows, (row) => answers.indices[row] as number);
  const baseline = await baselineOn(patient, indices);
  if (typeof baseline === "string") return [skipped(CHECK, baseline)];
  const labels = labelsOf({ data: loaded.data } as LoadedData, indices);
  const own = new Float32Array(rows.length * classes);
  rows.forEach((row, i) => void own.set(answers.values.subarray(row * classes, (row + 1) * classes), i * classes));
  const taught = correctness(own, labels, classes);
  const alone = baseline.answers.map((a) => correctness(a, labels, classes));
  const { points, low, high } = compare(
    alone.map(() => taught),
    alone,
    { seed: plan.seed },
  );
  const found = `on ${noun(rows.length, "validation sample")}, the teacher is correct on ${percent([taught])} and ${baseline.what} on ${percent(alone)}: a difference of ${points.toFixed(1)} points (95 % confidence interval ${low.toFixed(1)} to ${high.toFixed(1)})`;
  if (points > 0) return [fine(CHECK, found)];
  const worse = high < 0;
  return [
    {
      check: CHECK,
      status: worse ? "fail" : "warn",
      found,
      why: worse
        ? "the teacher would make the student worse than training on labels alone"
        : "the student reaches the same accuracy without the teacher, so the teacher has little to teach",
      change: `${better(plan)}; if you have no better teacher, train on the labels: \`limbeck train RECIPE\`, or lower objective.alpha`,
    },
  ];
};

/** Rows of the answers that are of validation samples with labels. */
function validationRows({ answers, loaded: { data, splits } }: Patient): number[] {
  const validation = new Set(splits.validation);
  return Array.from(answers?.indices ?? [], (sample, row) => ({ sample, row }))
    .filter(({ sample }) => validation.has(sample) && (data.labels?.[sample] ?? -1) >= 0)
    .map(({ row }) => row);
}

/** A sentence if no baseline is possible. */
async function baselineOn(patient: Patient, indices: Uint32Array): Promise<Baseline | string> {
  const { plan, loaded, finished, threads } = patient;
  if (finished && finished.baselines.length > 0) {
    const expects = plan.export.raw ? loaded.normalisation : null;
    const answers: Float32Array[] = [];
    for (const file of finished.baselines)
      answers.push(await answersOf({ file, expects }, loaded.data, indices, threads));
    return { what: `the baseline of the finished run ${finished.directory}`, answers };
  }
  const { labelled } = expandArms(plan, loaded)[0] as Arm;
  if (labelled.length === 0) return "the student has no labels, so it has no baseline";
  const trained = await trainShort(patient, {
    name: "baseline",
    model: plan.student,
    objective: baselineObjectiveOf(plan.objective),
    samples: labelled,
    classes: loaded.data.classes.length,
  });
  if (!trained)
    return "even a short training run of the student takes too long here; run the recipe and check its baseline";
  const budget =
    trained.steps < trained.of
      ? `${trained.steps} of the ${noun(trained.of, "step")}`
      : `all ${noun(trained.of, "step")}`;
  return { what: `the student after ${budget} on labels alone`, answers: [await trained.answers(indices)] };
}

function percent(hits: readonly Uint8Array[]): string {
  const all = hits.flatMap((h) => Array.from(h));
  return `${((100 * all.reduce((a, v) => a + v, 0)) / all.length).toFixed(1)} %`;
}

function better({ teacher }: Plan): string {
  return teacherEntryOf(teacher).improvement ?? "use a better teacher";
}
