/** Stores a teacher's answers for every sample in a folder; the implementation of `limbeck label`. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { TeacherFeature } from "../../engine/compile/step.js";
import type { DataAudit } from "../../learn/data/audit/types.js";
import type { LoadedData } from "../../learn/data/types.js";
import { correctness, type OutputKind } from "../../learn/evaluate/metrics.js";
import { noun } from "../../base/noun.js";
import { planOf } from "../../run/recipe/load.js";
import type { Plan, RecipeInput } from "../../run/recipe/schema/schema.js";
import type { LabelStore } from "../../learn/teacher/store/store.js";
import { expandArms } from "../../run/pipeline/arms.js";
import type { Arm } from "../../run/teaching/arm.js";
import { beginRun } from "../../run/folder/begin-run.js";
import type { RunContext, RunOptions } from "../../run/folder/context.js";
import { piecesOf } from "../../run/pipeline/judge.js";
import { seeingAllClasses } from "../../run/teaching/omission.js";
import { checkRules } from "../../run/teaching/rules/rule.js";
import { RULES } from "../../run/teaching/rules/rules.js";
import { prepareTeacher } from "../../run/teaching/teachers.js";
import type { ReadyTeacher } from "../../run/teaching/ready-teacher.js";

export interface LabelDataOptions extends Omit<RunOptions, "jobs" | "command"> {
  /** Folder of the store; default label-stores/<name of the recipe>. */
  readonly out?: string;
  /** Names or patterns of more intermediate values to store, in addition to those that the recipe's objective compares. */
  readonly features?: readonly string[];
}

export interface LabelDataResult {
  /** The store's folder: `teacher: { label_store: <this> }` uses it. */
  readonly store: string;
  readonly teacher: string;
  /** Elements of the teacher's weights; null if unknown. */
  readonly parameters: number | null;
  /** Kind of the answers. */
  readonly kind: OutputKind;
  readonly classes: readonly string[];
  readonly samples: number;
  readonly precision: "float32" | "float16";
  /** Stored intermediate values, with the shape of one sample. */
  readonly features: readonly TeacherFeature[];
  /** Size of answers and features on disk. */
  readonly bytes: number;
  /** Accuracy of the teacher on labelled samples; null if a part has no labels. The test part is not used. */
  readonly accuracy: { readonly train: number | null; readonly validation: number | null };
  /** Training data of the teacher, as a sentence. */
  readonly trainedOn: string;
  /** Sentences about what was detected: layout, kind of outputs ... */
  readonly notes: readonly string[];
  readonly warnings: readonly string[];
  /** What the data contains, and what looks wrong. */
  readonly audit: DataAudit;
}

/**
 * Writes the label store of a recipe's teacher. With `resume`, a killed labelling run continues where it stopped.
 * @throws InputError if recipe, data or teacher cannot be used, or the folder contains something else; InterruptedError if it is stopped
 */
export async function labelData(input: RecipeInput, options: LabelDataOptions = {}): Promise<LabelDataResult> {
  const given = planOf(input);
  const plan = teacherOnly(given);
  checkRules(RULES, ["label"], { plan });
  return beginRun({
    plan,
    options,
    marks: {
      kind: "label",
      name: `${plan.name}-labels`,
      plan: given,
      out: typeof options.resume === "string" ? options.resume : join("label-stores", plan.name),
    },
    check: (loaded) => expandArms(plan, loaded)[0] as Arm,
    async work({ context }, arm) {
      const { data } = context.loaded;
      context.emit({ kind: "stage", text: `Labelling ${noun(data.size, "sample")} of ${data.name}` });
      const teacher = await prepareTeacher(context, arm, plan.seed, context.directory, options.features);
      return describeStore(context, teacher);
    },
  });
}

function describeStore(
  { directory, loaded, notes, warnings }: RunContext,
  { name: teacher, parameters, store, trainedOn }: ReadyTeacher,
): LabelDataResult {
  const { header } = store;
  return {
    store: directory,
    teacher,
    parameters,
    kind: header.kind,
    classes: header.classes,
    samples: header.samples,
    precision: header.precision,
    features: header.features ?? [],
    bytes: sizeOnDisk(directory),
    accuracy: accuracies(store, loaded),
    trainedOn,
    notes,
    warnings,
    audit: loaded.audit,
  };
}

/** The recipe as far as its teacher goes: what it says of the student must not stand in the way. */
function teacherOnly(plan: Plan): Plan {
  const objective = { ...plan.objective, alpha: 1, weights: undefined };
  const transfer = { ...seeingAllClasses(plan.transfer), views: undefined, pseudoLabels: undefined };
  return { ...plan, variants: [], objective, transfer, training: { ...plan.training, augment: undefined } };
}

function accuracies(store: LabelStore, { data, splits }: LoadedData): LabelDataResult["accuracy"] {
  const of = (part: Uint32Array): number | null => {
    const known = part.filter((i) => (data.labels?.[i] ?? -1) >= 0);
    const classes = store.header.classes.length;
    if (known.length === 0 || classes !== data.classes.length) return null;
    let right = 0;
    for (const piece of piecesOf(known, classes)) {
      const answers = new Float32Array(piece.length * classes);
      store.gather(piece, answers);
      const labels = Int32Array.from(piece, (i) => data.labels?.[i] as number);
      right += correctness(answers, labels, classes).reduce((sum, hit) => sum + hit, 0);
    }
    return right / known.length;
  };
  return { train: of(splits.train), validation: of(splits.validation) };
}

function sizeOnDisk(folder: string): number {
  return readdirSync(folder)
    .filter((name) => /^(store\.json|outputs\.bin|feature-\d+\.bin)$/.test(name))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}
