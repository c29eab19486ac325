/** Several teachers of a recipe as one: each has its own label store; their answers are combined when the run begins. */
import { InputError } from "../errors.js";
import type { GroupTeacherRecipe, SingleTeacherRecipe } from "../recipe/schema.js";
import {
  type Combination,
  combineAnswers,
  confidenceWeights,
  fixedWeights,
  groupName,
  groupTeacher,
} from "../teacher/group.js";
import { LabelStore } from "../teacher/store.js";
import type { Teacher } from "../teacher/types.js";
import type { TeacherMember } from "../train/types.js";
import type { Arm } from "./arms.js";
import { fingerprint, type RunContext } from "./context.js";
import type { ReadyTeacher } from "./teachers.js";

/** A group's combined answers; with mean-losses training looks at each member's instead. */
class GroupStore extends LabelStore {
  constructor(
    store: Pick<LabelStore, "folder" | "header" | "outputs">,
    readonly members: readonly TeacherMember[] | undefined,
  ) {
    super(store.folder, store.header, store.outputs);
  }
}

/**
 * Combines members that are ready.
 * @throws InputError when their classes differ, or combination, weights and kinds of answers do not fit
 */
export function combineTeachers(
  context: RunContext,
  arm: Arm,
  group: GroupTeacherRecipe,
  members: readonly ReadyTeacher[],
): ReadyTeacher {
  const { combine } = group;
  const [first] = members as [ReadyTeacher];
  const classes = first.store.header.classes;
  const odd = members.find((m) => m.store.header.classes.length !== classes.length);
  if (odd)
    throw new InputError(
      "teacher.group",
      `${odd.name} knows ${odd.store.header.classes.length} classes, ${first.name} knows ${classes.length}`,
    );
  const answers = members.map((m) => ({ kind: m.store.kind, values: m.store.outputs }));
  const fixed = fixedWeights(group.weights === "confidence" ? undefined : group.weights, members.length);
  const weights =
    group.weights === "confidence" ? confidenceWeights(answers, usableLabels(context, arm), classes.length) : fixed;
  const kind = combine === "mean-logits" ? "logits" : "probabilities";
  const how = combine === "mean-logits" ? combine : "mean-probabilities";
  const identity = fingerprint(
    combine,
    group.weights ?? fixed,
    members.map((m) => m.key),
    // Only weights by confidence look at labels.
    group.weights === "confidence" ? [...arm.labelled] : null,
  );
  const store = {
    folder: "",
    header: {
      ...first.store.header,
      teacher: groupName(
        members.map((m) => m.name),
        combine,
      ),
      teacherHash: fingerprint(
        members.map((m) => m.store.header.teacherHash),
        identity,
      ),
      kind,
      preprocessing: fingerprint(members.map((m) => m.store.header.preprocessing)),
      precision: "float32",
    },
    outputs: combineAnswers(answers, how, weights, classes.length),
  } as const;
  const each = members.map(
    ({ store: s }, k): TeacherMember => ({
      kind: s.kind,
      weight: fixed[k] as number,
      gather: (indices, out) => s.gather(indices, out),
    }),
  );
  const parameters = members.map((m) => m.parameters);
  const seen = [...new Set(members.map((m) => m.trainedOn))];
  return {
    key: identity,
    name: store.header.teacher,
    store: new GroupStore(store, combine === "mean-losses" ? each : undefined),
    trainedOn: seen.length === 1 ? `each: ${seen[0]}` : seen.join("; "),
    fitted: null,
    file: null,
    bytes: members.reduce((a, m) => a + m.bytes, 0),
    parameters: parameters.every((p) => p !== null) ? parameters.reduce((a, p) => a + p, 0) : null,
    members,
    open: members.every((m) => m.open) ? () => openGroup(members, how, group.weights) : undefined,
  };
}

/** The group's answers for samples beyond the stores. Weights by confidence need labels; without them all weigh alike. */
async function openGroup(
  members: readonly ReadyTeacher[],
  combine: Combination,
  weights: GroupTeacherRecipe["weights"],
): Promise<Teacher> {
  const opened: Teacher[] = [];
  for (const m of members) opened.push(await (m.open as () => Promise<Teacher>)());
  return groupTeacher(opened, { combine, weights: weights === "confidence" ? undefined : weights });
}

/** What can be known of a group before its teachers are trained. @throws InputError naming the field */
export function checkGroup(teacher: SingleTeacherRecipe | GroupTeacherRecipe): void {
  if (!("group" in teacher)) return;
  const { group, combine, weights } = teacher;
  if (weights !== "confidence") fixedWeights(weights, group.length);
  else if (combine === "mean-losses")
    throw new InputError(
      "teacher.weights",
      "weights by confidence differ from sample to sample, and a mean of losses has one a teacher; combine by mean-probabilities or mean-logits",
    );
}

/** A label for every sample of the data; -1 where the student may not use it: never of validation or test. */
function usableLabels({ loaded }: RunContext, arm: Arm): Int32Array {
  const out = new Int32Array(loaded.data.size).fill(-1);
  for (const i of arm.labelled) out[i] = loaded.data.labels?.[i] ?? -1;
  return out;
}

/** The recipe's teachers one by one. */
export function teachersOf(teacher: SingleTeacherRecipe | GroupTeacherRecipe): readonly SingleTeacherRecipe[] {
  return "group" in teacher ? teacher.group : [teacher];
}
