/** Students whose objective reuses the teacher's classifier. Nothing here is Node's. */
import type { ValueInfo } from "../../engine/graph/types.js";
import { fillPorts } from "../../learn/data/ports.js";
import { namedArrays } from "../../learn/data/arrays.js";
import type { TeacherFeature } from "../../engine/compile/step.js";
import { type ReusableClassifier, weightCount, withClassifier } from "../../engine/compile/transfer.js";
import type { DataSet } from "../../learn/data/types.js";
import { InputError } from "../../base/errors.js";
import { countMacs } from "../../engine/models/cost.js";
import { matchFeatures } from "../../engine/objective/features.js";
import type { ObjectiveConfig } from "../../engine/objective/objective.js";
import { isCustom } from "../../engine/objective/custom.js";
import type { ClassifierReuse } from "../../engine/objective/entry.js";
import { lossOf } from "../../engine/objective/registry.js";
import { lossSettingsOf } from "../../engine/objective/settings.js";
import { createBuilder } from "../../engine/ops/registry.js";
import { quote } from "../../base/quote.js";
import type { Teacher } from "../../learn/teacher/types.js";
import type { Prepared } from "./foreign.js";

/** What of a teacher a student may reuse. */
export interface Reusable {
  /** Short name for people. */
  readonly name: string;
  /** Reads its model; null when there is none: a label store, a function, an endpoint. */
  readonly classifier: (() => ReusableClassifier) | null;
  /** Its inner values with the shapes of one sample. */
  readonly features: readonly TeacherFeature[];
}

/** What of an open teacher a student may reuse; stays valid when the teacher is disposed. */
export function reusableOf({ name, features = [], classifier }: Teacher): Reusable {
  return { name, features, classifier: classifier ?? null };
}

const FIELD = "objective.terms";

/** How the student reuses its teacher's classifier, where a term asks for it. @throws InputError when several do */
export function classifierReuse({ terms = [] }: ObjectiveConfig): ClassifierReuse | null {
  const found = terms.flatMap((term, i) => {
    if (isCustom(term) || term.weight === 0) return [];
    const loss = lossOf(term);
    const reuse = loss.reuse?.(lossSettingsOf(loss, term, `${FIELD}.${i}`));
    return reuse ? [{ kind: loss.kind, reuse }] : [];
  });
  const kinds = [...new Set(found.map(({ kind }) => kind))];
  if (found.length > 1)
    throw new InputError({
      code: "option-conflict",
      where: FIELD,
      found: `found ${found.length} ${kinds.join(" and ")} terms, and a student ends in one classifier`,
      cure: "Keep one of them",
    });
  return found[0]?.reuse ?? null;
}

/**
 * The student that is trained: as it was prepared, or, where a term reuses the teacher's classifier, up to its layer, with a transfer and
 * the teacher's frozen classifier behind. Its parameters count what came from the teacher.
 * @param seed of the transfer's start weights
 * @throws InputError when the teacher has no model, or student and teacher do not fit
 */
export function reusingClassifier(
  prepared: Prepared,
  objective: ObjectiveConfig,
  teacher: Reusable | null,
  data: DataSet,
  classes: number,
  seed: number,
): Prepared {
  const reuse = classifierReuse(objective);
  if (!reuse) return prepared;
  if (!teacher?.classifier)
    throw new InputError({
      code: "teacher-missing",
      where: FIELD,
      found: `with simkd the student ends in its teacher's classifier, and ${teacher ? `${quote(teacher.name)} is not an ONNX model` : "there is no teacher"}`,
      cure: "Set teacher.file or teacher.model",
    });
  const [feature] = matchFeatures(reuse.layer.teacher, teacher.features, `teacher ${teacher.name}`);
  const { ports } = prepared;
  const filled = ports ? fillPorts(data, ports, { where: "student", field: "student.inputs" }) : { data };
  const shapes = namedArrays(filled.data, "reads" in filled ? filled.reads : undefined).map(
    (array) => array.sampleShape,
  );
  const model = withClassifier({
    student: prepared.model,
    sampleShapes: shapes,
    classes,
    teacher: teacher.classifier(),
    featureShape: (feature as TeacherFeature).shape,
    reuse,
    seed,
  });
  const b = createBuilder("single");
  const fed = model.inputs.map((name, i) => {
    const { dtype } = model.graph.inputs.find((input) => input.name === name) as ValueInfo;
    return [name, b.input(name, dtype, [1, ...(shapes[i] as readonly number[])])] as const;
  });
  const values = b.inline(model.graph, new Map(fed));
  const output = values.get(model.output);
  if (output) b.output(output);
  return {
    model,
    ...(ports ? { ports } : {}),
    architecture: `${prepared.architecture}, up to ${reuse.layer.student}, with the classifier of ${teacher.name}`,
    parameters: weightCount(model),
    macs: countMacs(b.build()) ?? null,
  };
}
