/** The arms of a run: the recipe itself and each variant, with the samples each may see. */
import { isDeepStrictEqual } from "node:util";
import { labelsOf } from "../data/labels.js";
import { halves, stratifiedSubset } from "../data/splits.js";
import type { LoadedData } from "../data/types.js";
import { faultOf, InputError } from "../errors.js";
import { noun } from "../noun.js";
import { objectiveNeeds } from "../objective/objective.js";
import { withChanges } from "../recipe/load.js";
import { asksNobody, baselineObjectiveOf, objectiveOf, plainLabelsOf } from "../recipe/resolve.js";
import type { Recipe, TrainedTeacherRecipe } from "../recipe/schema.js";
import { checkAugmentations } from "./augmentations.js";
import { type Omission, omissionOf, withoutClasses } from "./omitted.js";
import { checkPseudoLabels } from "./pseudo-labels.js";
import { checkGroup, teachersOf } from "./teacher-group.js";
import { checkBlends, checkViews } from "./views.js";

export interface Arm {
  /** "" for the recipe itself. */
  readonly name: string;
  readonly recipe: Recipe;
  /** Samples a trained teacher sees, with labels. */
  readonly teacherSamples: Uint32Array;
  /** Samples whose labels student and baseline may use. */
  readonly labelled: Uint32Array;
  /** Samples the student sees. */
  readonly transfer: Uint32Array;
  /** How many samples it could see with transfer.samples: all. */
  readonly available: number;
  readonly hasLabels: boolean;
  /** Whether a baseline is trained beside it. */
  readonly baseline: boolean;
  /** The classes that student and baseline never see; null where they see all. */
  readonly omission: Omission | null;
}

/** Whether the student itself is what a baseline would be. */
export function isPlain(recipe: Recipe): boolean {
  // Students that learn together teach each other: the objective is not all they have.
  if (recipe.strategy.kind === "mutual" || !asksNobody(recipe)) return false;
  return isDeepStrictEqual(baselineObjectiveOf(recipe.objective), plainLabelsOf(recipe.objective));
}

/** Expands a recipe. @throws InputError when an arm asks for labels or samples that are not there */
export function expandArms(recipe: Recipe, loaded: LoadedData): Arm[] {
  const names = new Set<string>();
  return [{ name: "", set: {} as Record<string, unknown> }, ...recipe.variants].map((variant) => {
    if (names.has(variant.name)) throw new InputError("variants", `the name "${variant.name}" occurs twice`);
    names.add(variant.name);
    const fixed = Object.keys(variant.set).find((path) =>
      /^(data|seeds?|name|variants|evaluation|export|strategy|sweep)\b/.test(path),
    );
    if (fixed)
      throw new InputError(`variants "${variant.name}"`, `${fixed} cannot change within a run; write another recipe`);
    const changed =
      variant.name === ""
        ? recipe
        : withChanges({ ...recipe, variants: [] }, variant.set, `variants "${variant.name}"`);
    return armOf(variant.name, changed, loaded);
  });
}

/** What the teachers that the recipe trains see. */
function trainOnOf({ teacher }: Recipe): TrainedTeacherRecipe["train_on"] {
  const all = [...new Set(teachersOf(teacher).flatMap((t) => ("train_on" in t ? [t.train_on] : [])))];
  if (all.length > 1)
    throw new InputError(
      "teacher.group",
      `its teachers see different samples (train_on: ${all.join(", ")}); give all of them the same train_on`,
    );
  return all[0] ?? "all";
}

/** Samples with a label. */
function withLabels(samples: Uint32Array, loaded: LoadedData): Uint32Array {
  const labels = labelsOf(loaded, samples);
  return samples.filter((_, i) => (labels[i] as number) >= 0);
}

/** Of the student's own samples those whose labels it may use. @throws InputError when there are fewer than wanted */
function labelledOf({ transfer, data: { split } }: Recipe, own: Uint32Array, loaded: LoadedData): Uint32Array {
  const { labelled: wanted } = transfer;
  const { labels, classes } = loaded.data;
  const there = withLabels(own, loaded);
  if (wanted !== "all" && wanted > there.length)
    throw new InputError(
      "transfer.labelled",
      `${noun(wanted, "labelled sample")} ${wanted === 1 ? "is" : "are"} wanted, ${there.length.toLocaleString("en-US")} are there`,
    );
  if (wanted === "all" || labels === null) return there;
  return stratifiedSubset(labels, there, wanted, split.seed, classes, "labelled", "transfer.labelled");
}

function armOf(name: string, recipe: Recipe, loaded: LoadedData): Arm {
  const { data, splits } = loaded;
  const where = name ? `variants "${name}"` : "recipe";
  const hasLabels = data.labels !== null;
  let own: Uint32Array = splits.train;
  let teacherSamples: Uint32Array = splits.train;
  checkGroup(recipe, data);
  const trainOn = trainOnOf(recipe);
  if (trainOn === "disjoint-half")
    [teacherSamples, own] = halves(data.labels, splits.train, recipe.data.split.seed, data.classes, "teacher.train_on");
  else if (recipe.transfer.part === "second-half")
    own = halves(data.labels, splits.train, recipe.data.split.seed, data.classes, "transfer.part")[1];
  const allLabelled = labelledOf(recipe, own, loaded);
  if (trainOn === "labelled") teacherSamples = allLabelled;
  if (hasLabels) teacherSamples = withLabels(teacherSamples, loaded);
  if (teachersOf(recipe.teacher).some((t) => "model" in t) && teacherSamples.length === 0)
    throw new InputError(
      "teacher",
      `a teacher cannot be trained without labels; give teacher.file, an ONNX model that knows the classes`,
    );
  const allTransfer = recipe.transfer.samples === "all" || allLabelled.length === 0 ? own : allLabelled;
  const omission = omissionOf(recipe, loaded);
  const seen = (samples: Uint32Array): Uint32Array =>
    omission ? withoutClasses(samples, omission, loaded, where) : samples;
  const [labelled, transfer] = [seen(allLabelled), seen(allTransfer)];
  if (needsOf(recipe, name ? `${where}: ` : "").labels && transfer.length !== labelled.length) {
    throw new InputError(
      `${where}: objective.alpha`,
      `the student sees ${noun(transfer.length, "sample")}, but only ${labelled.length} of them may be used with their labels; set objective.alpha to 1, or transfer.samples to labelled`,
    );
  }
  checkViews(where, recipe);
  checkBlends(where, recipe);
  checkPseudoLabels(where, recipe, { samples: transfer.length, labelled: labelled.length });
  checkAugmentations(recipe, data.sampleShape, name ? `${where}: ` : "");
  objectiveNeeds(baselineObjectiveOf(recipe.objective));
  return {
    name,
    recipe,
    teacherSamples,
    labelled,
    transfer,
    available: omission ? own.filter((i) => !omission.classes.includes(data.labels?.[i] ?? -1)).length : own.length,
    hasLabels,
    baseline: recipe.baseline && labelled.length > 0 && !isPlain(recipe),
    omission,
  };
}

/** What the objective needs. @throws InputError that names its fields as a recipe spells them */
function needsOf({ objective }: Recipe, where: string): ReturnType<typeof objectiveNeeds> {
  try {
    return objectiveNeeds(objectiveOf(objective));
  } catch (error) {
    const fault = faultOf(error);
    if (!(error instanceof InputError) || !fault?.where) throw error;
    const field = fault.where.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    throw new InputError({ ...fault, where: `${where}${field}` });
  }
}
