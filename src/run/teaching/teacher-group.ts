/** Several teachers of a recipe as one: each has its own label store; their answers are combined when the run begins. */
import { teacherWords } from "../recipe/registries.js";
import { oneOf } from "../../base/schema-words.js";
import type { TeacherOf } from "./teacher-entry.js";
import { labelsOnly } from "../../learn/data/labels/labels.js";
import { InputError } from "../../base/errors.js";
import { noun } from "../../base/noun.js";
import {
  type Combination,
  combineAnswers,
  combineRows,
  confidenceWeights,
  fixedWeights,
  groupName,
  type MemberWeights,
  type StoredMember,
} from "../../learn/teacher/group/group.js";
import { groupTeacher } from "../../learn/teacher/group/group-teacher.js";
import { drawnKind, logitsOf, type MemberOutputs, memberOutputs } from "../../learn/teacher/group/member-outputs.js";
import { LabelStore, type StoreHeader } from "../../learn/teacher/store/store.js";
import type { Teacher } from "../../learn/teacher/types.js";
import type { Arm } from "./arm.js";
import { fingerprint, type RunContext } from "../folder/context.js";
import type { ReadyTeacher } from "./ready-teacher.js";

/** Makes combined answers [indices.length, classes] of some samples. */
type Rows = (indices: Uint32Array) => Float32Array;

/**
 * A group's combined answers, held or made when asked for; with mean-losses and draw training looks at the members'
 * instead.
 */
class GroupStore extends LabelStore {
  readonly members: MemberOutputs["members"];
  readonly weigh: MemberOutputs["weigh"];
  readonly drawn: MemberOutputs["drawn"];

  constructor(
    header: StoreHeader,
    private readonly combined: Float32Array | Rows,
    { members, weigh, drawn }: MemberOutputs,
  ) {
    super("", header, typeof combined === "function" ? null : combined);
    this.members = members;
    this.weigh = weigh;
    this.drawn = drawn;
  }

  override get outputs(): Float32Array {
    if (typeof this.combined !== "function") return this.combined;
    return this.combined(Uint32Array.from({ length: this.header.samples }, (_, i) => i));
  }

  override gather(indices: Uint32Array, out: Float32Array): void {
    if (typeof this.combined === "function") out.set(this.combined(indices));
    else super.gather(indices, out);
  }
}

/** Combined at once where every member's answers are in memory, else row by row. @throws InputError when kinds do not fit */
function combinedAnswers(
  members: readonly ReadyTeacher[],
  how: Combination,
  weights: MemberWeights,
  classes: number,
): Float32Array | Rows {
  if (members.every((m) => m.store.inMemory)) {
    const answers = members.map(({ store, knows }) => ({ kind: store.kind, values: store.outputs, knows }));
    const each = "labels" in weights ? confidenceWeights(answers, weights.labels, classes) : weights;
    return combineAnswers(answers, how, each, classes);
  }
  const stored = storedMembers(members);
  const rows: Rows = (indices) => combineRows(stored, how, weights, classes, indices);
  rows(new Uint32Array(0));
  return rows;
}

const storedMembers = (members: readonly ReadyTeacher[]): StoredMember[] =>
  members.map(({ store, knows }) => ({
    kind: store.kind,
    knows,
    gather: (indices, out) => store.gather(indices, out),
  }));

/**
 * Combines members that are ready.
 * @throws InputError when their classes differ, or combination, weights and kinds of answers do not fit
 */
export function combineTeachers(
  context: RunContext,
  arm: Arm,
  group: TeacherOf<"group">,
  members: readonly ReadyTeacher[],
): ReadyTeacher {
  const { combine } = group;
  const [first] = members as [ReadyTeacher];
  const classes = first.store.header.classes;
  const odd = members.find((m) => m.store.header.classes.length !== classes.length);
  if (odd)
    throw new InputError({
      code: "array-mismatch",
      where: "teacher.group",
      found: `${odd.name} knows ${noun(odd.store.header.classes.length, "class")} and ${first.name} ${classes.length}`,
      expected: "the same classes in all of them",
    });
  const fixed = fixedWeights(group.weights === "confidence" ? undefined : group.weights, members.length);
  const weights = group.weights === "confidence" ? { labels: labelsOnly(context.loaded.data, arm.labelled) } : fixed;
  const stored = storedMembers(members);
  const drawnLogits = combine === "draw" && drawnKind(stored) === "logits";
  const kind = combine === "mean-logits" || drawnLogits ? "logits" : "probabilities";
  const how = combine === "mean-logits" || combine === "merge" ? combine : "mean-probabilities";
  const identity = fingerprint(
    combine,
    group.weights ?? fixed,
    members.map((m) => m.key),
    // Only weights by confidence look at labels.
    group.weights === "confidence" ? [...arm.labelled] : null,
  );
  const combined = combinedAnswers(members, how, weights, classes.length);
  const header = groupHeader(members, combine, kind, identity);
  const each = memberOutputs(combine, stored, fixed, "labels" in weights ? weights.labels : null, classes.length);
  const parameters = members.map((m) => m.parameters);
  const seen = [...new Set(members.map((m) => m.trainedOn))];
  return {
    key: identity,
    name: header.teacher,
    store: new GroupStore(header, drawnLogits ? asLogits(combined) : combined, each),
    trainedOn: seen.length === 1 ? `each: ${seen[0]}` : seen.join("; "),
    fitted: null,
    file: null,
    bytes: members.reduce((a, m) => a + m.bytes, 0),
    parameters: parameters.every((p) => p !== null) ? parameters.reduce((a, p) => a + p, 0) : null,
    members,
    open: members.every((m) => m.open) ? () => openGroup(members, how, group.weights) : undefined,
  };
}

/** The members' headers as that of one store. */
function groupHeader(
  members: readonly ReadyTeacher[],
  combine: TeacherOf<"group">["combine"],
  kind: StoreHeader["kind"],
  identity: string,
): StoreHeader {
  const headers = members.map((m) => m.store.header);
  return {
    ...(headers[0] as StoreHeader),
    teacher: groupName(
      members.map((m) => m.name),
      combine,
    ),
    teacherHash: fingerprint(
      headers.map((h) => h.teacherHash),
      identity,
    ),
    kind,
    preprocessing: fingerprint(headers.map((h) => h.preprocessing)),
    precision: "float32",
  };
}

/** The group's answers for samples beyond the stores. Weights by confidence need labels; without them all weigh alike. */
async function openGroup(
  members: readonly ReadyTeacher[],
  combine: Combination,
  weights: TeacherOf<"group">["weights"],
): Promise<Teacher> {
  const opened: Teacher[] = [];
  try {
    for (const m of members) opened.push(await (m.open as () => Promise<Teacher>)());
    return groupTeacher(opened, { combine, weights: weights === "confidence" ? undefined : weights });
  } catch (error) {
    for (const teacher of opened) await teacher.dispose();
    throw error;
  }
}

function asLogits(probabilities: Float32Array | Rows): Float32Array | Rows {
  return typeof probabilities === "function" ? (indices) => logitsOf(probabilities(indices)) : logitsOf(probabilities);
}

/** What to say where a teacher was left out. @param who needs it */
export const noTeacher = (who = "this"): InputError =>
  new InputError({
    code: "teacher-missing",
    where: "teacher",
    found: `it is missing, and ${who} needs one`,
    expected: oneOf(teacherWords()),
  });
