/** What a training sees of a group whose members it looks at one by one: mean of losses, or a draw for each update. */
import { logProbabilities } from "../../evaluate/metrics.js";
import { PROBABILITY_FLOOR } from "../../../engine/objective/support.js";
import type { TeacherMember, TeacherOutputs } from "../taught.js";
import { confidenceWeights, type MemberAnswers, type StoredMember } from "./group.js";
import type { Teacher } from "../types.js";

/** The fields of a teacher's outputs that stand for its members. */
export type MemberOutputs = Pick<TeacherOutputs, "members" | "weigh" | "drawn">;

/**
 * @param fixed one weight a teacher, summing to 1
 * @param labels by sample, -1 where there is none or where it may not be used: weights by confidence; null: the fixed ones
 * @returns nothing for a combination whose answers are combined before training
 */
export function memberOutputs(
  combine: string,
  stored: readonly StoredMember[],
  fixed: readonly number[],
  labels: ArrayLike<number> | null,
  classes: number,
): MemberOutputs {
  const members = stored.map(({ kind, gather }, k): TeacherMember => ({ kind, gather, weight: fixed[k] as number }));
  if (combine === "draw") {
    const kind = drawnKind(stored);
    return { drawn: members.map((member) => asKind(member, kind, classes)) };
  }
  if (combine !== "mean-losses") return {};
  if (!labels) return { members };
  const weigh = (indices: Uint32Array, out: Float32Array): void => {
    const own = Int32Array.from(indices, (i) => labels[i] as number);
    out.set(confidenceWeights(gathered(stored, indices, classes), own, classes));
  };
  return { members, weigh };
}

/** A step's graph is made for one kind of answers: drawn teachers that all give logits keep them. */
export function drawnKind(members: readonly Pick<Teacher, "kind">[]): Teacher["kind"] {
  return members.every((m) => m.kind === "logits") ? "logits" : "probabilities";
}

/** The answers of every member for these samples. */
export function gathered(members: readonly StoredMember[], indices: Uint32Array, classes: number): MemberAnswers[] {
  return members.map(({ kind, gather, knows }) => {
    const values = new Float32Array(indices.length * classes);
    gather(indices, values);
    return { kind, values, knows };
  });
}

/** Answers one behind the other for each sample: [samples, members, classes]. */
export function sideBySide(answers: readonly MemberAnswers[], classes: number): Float32Array {
  const rows = (answers[0]?.values.length ?? 0) / classes;
  const out = new Float32Array(rows * answers.length * classes);
  answers.forEach(({ values }, k) => {
    for (let i = 0; i < rows; i++)
      out.set(values.subarray(i * classes, (i + 1) * classes), (i * answers.length + k) * classes);
  });
  return out;
}

/** Logits of which these are the softmax. @param probabilities floored where they are 0 */
export function logitsOf(probabilities: Float32Array): Float32Array {
  return probabilities.map((p) => Math.log(Math.max(p, PROBABILITY_FLOOR)));
}

/** Answers as logits, or as the probabilities that they stand for. @returns [samples, classes] */
export function answersAs(
  values: Float32Array,
  from: Teacher["kind"],
  to: Teacher["kind"],
  classes: number,
): Float32Array {
  if (from === to) return values;
  if (to === "logits") throw new Error("the logits behind probabilities are not known");
  const row = new Float64Array(classes);
  const out = new Float32Array(values.length);
  for (let i = 0; i < values.length / classes; i++)
    out.set(logProbabilities(values, i, classes, from, 1, row).map(Math.exp), i * classes);
  return out;
}

/** A member that gathers answers of this kind. */
function asKind(member: TeacherMember, kind: TeacherMember["kind"], classes: number): TeacherMember {
  if (member.kind === kind) return member;
  return {
    kind,
    weight: member.weight,
    gather(indices, out) {
      member.gather(indices, out);
      out.set(answersAs(out, member.kind, kind, classes));
    },
  };
}
