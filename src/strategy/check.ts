/** What can be known of a run's models before anything is trained or written. */
import { withNormalisation } from "../compile/normalise.js";
import { sampleTypeOf } from "../data/samples.js";
import type { DataSet, LoadedData } from "../data/types.js";
import { InputError } from "../errors.js";
import { CANONICAL_OPSET } from "../graph/types.js";
import { type FeatureInfo, matchFeatures, pairFeatures } from "../objective/features.js";
import { objectiveLayers } from "../objective/objective.js";
import { createBuilder } from "../ops/registry.js";
import { objectiveOf } from "../recipe/resolve.js";
import type { ModelRecipe, Recipe } from "../recipe/schema.js";
import type { Arm } from "./arms.js";
import { type Prepared, prepareModel } from "./prepare.js";
import { teachersOf } from "./teacher-group.js";
import { reusingClassifier, simkdTerm } from "./transfer.js";

/**
 * Builds every arm's models once: a student that does not fit the data must not wait for its teacher's training.
 * @throws InputError when a model does not fit the data
 */
export function checkModels(arms: readonly Arm[], { data, normalisation }: LoadedData, folder: string): void {
  const classes = data.classes.length;
  // Without class names only the teacher knows how many there are.
  if (classes === 0) return;
  const options = { folder, data, classes, seed: 0 };
  for (const { recipe } of arms) {
    const built = (description: ModelRecipe): Prepared => {
      const prepared = prepareModel(description, options);
      withNormalisation(prepared.model.graph, prepared.model.input, normalisation, sampleTypeOf(data));
      return prepared;
    };
    const student = built(recipe.student);
    const teachers = teachersOf(recipe.teacher).flatMap((t) => ("model" in t ? [built(t.model)] : []));
    checkLayers(recipe, student, teachers);
    checkReuse(recipe, student, teachers[0], data);
    checkClassWeights(recipe, data);
  }
}

/** Layers a feature loss names must be there: the teacher's too when it is still to be trained. */
function checkLayers(recipe: Recipe, student: Prepared, [teacher]: readonly Prepared[]): void {
  const layers = objectiveLayers(objectiveOf(recipe.objective));
  if (layers.length === 0) return;
  if ("group" in recipe.teacher)
    throw new InputError(
      "objective.terms",
      "losses between layers take them from one teacher, and teacher.group has several; give one teacher, or leave those terms out",
    );
  const featuresOf = ({ model }: Prepared): FeatureInfo[] =>
    model.graph.nodes.flatMap((n) => n.outputs.map((name, i) => ({ name, node: i === 0 ? n.name : "" })));
  for (const layer of layers) {
    if (teacher) pairFeatures(layer, featuresOf(student), featuresOf(teacher));
    else matchFeatures(layer.student, featuresOf(student), "student");
  }
}

/** A student that ends in its teacher's classifier is put together once, where the teacher is known already. */
function checkReuse(
  { objective, teacher: given }: Recipe,
  student: Prepared,
  teacher: Prepared | undefined,
  data: DataSet,
) {
  const built = objectiveOf(objective);
  const config = simkdTerm(built);
  if (!config || (!teacher && "file" in given)) return;
  const shapes = teacher ? shapesOf(teacher, data) : new Map<string, readonly number[]>();
  const features = teacher?.model.graph.nodes.flatMap((n) =>
    n.outputs.map((name, i) => ({ name, node: i === 0 ? n.name : "", shape: shapes.get(name) ?? [] })),
  );
  const classifier = teacher && {
    model: { graph: teacher.model.graph, opsets: { "": CANONICAL_OPSET }, irVersion: 10, metadata: {} },
    where: "teacher.model",
    output: teacher.model.output,
    kind: "logits" as const,
    order: null,
  };
  const reusable = { name: "teacher", features: features ?? [], classifier: classifier ? () => classifier : null };
  reusingClassifier(student, built, reusable, data, data.classes.length, 0);
}

/** Shapes of a model's values for one sample. */
function shapesOf({ model }: Prepared, { sampleShape }: DataSet): Map<string, readonly number[]> {
  const b = createBuilder(model.graph.name);
  const dtype = model.graph.inputs.find((i) => i.name === model.input)?.dtype ?? "float32";
  const values = b.inline(model.graph, new Map([[model.input, b.input(model.input, dtype, [1, ...sampleShape])]]));
  return new Map([...values].map(([name, v]) => [name, v.shape.slice(1)]));
}

function checkClassWeights({ objective }: Recipe, { classes }: DataSet): void {
  const weights = objective.student_loss.class_weights;
  if (weights && weights.length !== classes.length)
    throw new InputError(
      "objective.student_loss.class_weights",
      `${weights.length} weights for ${classes.length} classes; give one a class, in the order ${classes.slice(0, 8).join(", ")}${classes.length > 8 ? ", ..." : ""}`,
    );
}
