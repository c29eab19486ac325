/** A student that cannot fit its training samples: an assistant between it and its teacher may help (Mirzadeh 2020). */

import { strategyEntryOf } from "../../run/strategies/registry.js";
import type { DataSet } from "../../learn/data/types.js";
import { agreement, correctness, predictions } from "../../learn/evaluate/metrics.js";
import { compare, type Difference } from "../../learn/evaluate/verdict.js";
import { noun } from "../../base/noun.js";
import { type ObjectiveConfig, objectiveNeeds } from "../../engine/objective/objective.js";
import type { ModelPlan } from "../../run/recipe/schema/schema.js";
import type { TeacherOutputs } from "../../learn/teacher/taught.js";
import { expandArms } from "../../run/pipeline/arms.js";
import type { Arm } from "../../run/teaching/arm.js";
import { answersOf } from "../../run/students/fit.js";
import { prepareModel } from "../../run/students/prepare.js";
import { assistantOf, writtenModel } from "./assistant.js";
import { trainShort } from "./short-training.js";
import { spread } from "./spread.js";
import { type AskedTeacher, type Check, fine, type Patient, skipped } from "./types.js";

const CHECK = "size of the student";
/** Training samples that the teacher is asked about and the student is trained on. */
const SAMPLES = 4000;
/** Fewer say nothing. */
const FEWEST = 50;
/** Points by which the student stays behind its teacher on training samples before its size is in question. */
const GAP = 10;
/** An assistant that closes this share of the gap with the same budget shows that it was the size. */
const CLOSES = 1 / 3;
/** Passes over the samples below which a training says nothing of what a model can fit. */
const PASSES = 5;
/** Where the teacher's size is unknown an assistant has so many times the student's parameters. */
const TIMES = 4;

/** What was measured with a student. */
interface Fit {
  readonly what: string;
  readonly gap: Difference;
  readonly hits: Uint8Array;
}

/** Trains the student shortly on the teacher's answers and looks at the very samples it was trained on. */
export const smallStudent: Check = async (patient) => {
  const { plan, teacher, quick, loaded } = patient;
  if (quick) return [skipped(CHECK, "it trains the student and --quick is set")];
  if (!teacher) return [skipped(CHECK, "the teacher's answers are not available")];
  if (strategyEntryOf(plan).assists) return [skipped(CHECK, "the strategy already has assistants")];
  const countParameters = (model: ModelPlan): number =>
    prepareModel(model, { folder: patient.folder, data: loaded.data, classes: teacher.classes, seed: 0 }).parameters;
  const size = countParameters(plan.student);
  if (teacher.parameters !== null && size >= teacher.parameters)
    return [fine(CHECK, `the student has ${size} parameters, its teacher ${teacher.parameters}`)];
  const samples = spread((expandArms(plan, loaded)[0] as Arm).transfer, SAMPLES);
  if (samples.length < FEWEST) return [skipped(CHECK, `it needs ${FEWEST} training samples, found ${samples.length}`)];
  const bench = await benchOf(patient, teacher, samples);
  const own = await ownFit(bench);
  if (typeof own === "string") return [skipped(CHECK, own)];
  const found = `${size} parameters: ${own.what}, ${own.gap.points.toFixed(1)} points worse than its teacher (95 % confidence interval ${own.gap.low.toFixed(1)} to ${own.gap.high.toFixed(1)})`;
  if (own.gap.low <= GAP) return [fine(CHECK, found)];
  const between = Math.round(teacher.parameters === null ? TIMES * size : Math.sqrt(size * teacher.parameters));
  const model = assistantOf(plan.student, between, countParameters);
  if (!model) return [skipped(CHECK, `a student of kind ${plan.student.kind} has no width to increase (${found})`)];
  const other = await shortFit(bench, "assistant", model);
  if (typeof other === "string") return [skipped(CHECK, `${other} (${found})`)];
  const closed = compare([other.hits], [own.hits], { seed: plan.seed });
  if (!(closed.low > 0 && closed.points >= CLOSES * own.gap.points))
    return [
      fine(
        CHECK,
        `${found}; a student of ${countParameters(model)} parameters gains only ${closed.points.toFixed(1)} points with the same steps, so size is not the cause`,
      ),
    ];
  return [
    {
      check: CHECK,
      status: "warn",
      found: `${found}; a student of ${countParameters(model)} parameters is ${closed.points.toFixed(1)} points better with the same steps`,
      why: "the student cannot fit even its training samples, and a much stronger teacher does not help such a student",
      change: `use a larger student (--set 'student=${writtenModel(model)}'), or use that model as an assistant, with about the geometric mean of both sizes: --set 'strategy={"kind":"assistants","models":[${writtenModel(model)}]}'`,
    },
  ];
};

/** What every student of this check is trained on and measured against. */
interface Bench {
  readonly patient: Patient;
  readonly teacher: AskedTeacher;
  readonly samples: Uint32Array;
  readonly outputs: TeacherOutputs;
  readonly answers: Float32Array;
}

async function benchOf(patient: Patient, teacher: AskedTeacher, samples: Uint32Array): Promise<Bench> {
  const { classes, kind } = teacher;
  const answers = await teacher.answer(samples);
  const rows = new Map(Array.from(samples, (sample, row) => [sample, row]));
  const gather: TeacherOutputs["gather"] = (indices, out) =>
    indices.forEach((sample, i) => {
      const from = (rows.get(sample) as number) * classes;
      out.set(answers.subarray(from, from + classes), i * classes);
    });
  return { patient, teacher, samples, answers, outputs: { kind, gather } };
}

/** The finished run's student, or a short training run. A sentence if neither is available. */
async function ownFit(bench: Bench): Promise<Fit | string> {
  const { plan, loaded, finished, threads } = bench.patient;
  const [file] = finished?.students ?? [];
  if (!file) return shortFit(bench, "student", plan.student);
  const expects = plan.export.raw ? loaded.normalisation : null;
  const answers = await answersOf({ file, expects }, loaded.data, bench.samples, threads);
  return measured(bench, `as the student of ${finished?.directory}`, answers);
}

async function shortFit(bench: Bench, name: string, model: ModelPlan): Promise<Fit | string> {
  const { patient, samples, outputs, teacher } = bench;
  const objective = onAnswers(patient.objective);
  const trained = await trainShort(patient, {
    name,
    model,
    objective,
    samples,
    classes: teacher.classes,
    teacher: outputs,
  });
  if (!trained) return "even a short training run takes too long here";
  const passes = (trained.steps * patient.plan.training.batch) / samples.length;
  if (passes < PASSES)
    return `${passes.toFixed(1)} passes over ${noun(samples.length, "sample")} (${noun(trained.steps, "step")}) are too few to judge`;
  return measured(bench, `after ${trained.steps} of ${noun(trained.of, "step")}`, await trained.answers(samples));
}

/** The objective without what needs inner values: a student is asked for answers here. */
function onAnswers(objective: ObjectiveConfig): ObjectiveConfig {
  const terms = (objective.terms ?? []).filter((t) => !("layers" in t));
  const plain = { ...objective, terms };
  const { student, distillation } = objective.weights ?? { student: 1, distillation: 1 };
  return student + distillation + terms.length > 0 && objectiveNeeds(plain).teacher
    ? plain
    : { alpha: 1, studentLoss: { kind: "cross-entropy" }, distillationLoss: { kind: "kd", temperature: 4 } };
}

/** Against the labels where all are known, else against the teacher's own choice. */
function measured({ patient, samples, answers, teacher }: Bench, what: string, own: Float32Array): Fit {
  const { classes } = teacher;
  const known = labelsOf(patient.loaded.data, samples, classes);
  const targets = known ?? predictions(answers, classes);
  const hits = correctness(own, targets, classes);
  const gap = compare([correctness(answers, targets, classes)], [hits], { seed: patient.plan.seed });
  const right = hits.reduce((a, v) => a + v, 0) / hits.length;
  const agrees = `agrees with its teacher on ${(100 * agreement(own, answers, classes)).toFixed(1)} %`;
  const score = known ? `is correct on ${(100 * right).toFixed(1)} % and ${agrees}` : agrees;
  return {
    what: `${what} it ${score} of its ${samples.length} training samples`,
    gap,
    hits,
  };
}

function labelsOf({ labels, classes: names }: DataSet, samples: Uint32Array, classes: number): Int32Array | null {
  const own = Int32Array.from(samples, (i) => labels?.[i] ?? -1);
  return names.length === classes && own.every((l) => l >= 0) ? own : null;
}
