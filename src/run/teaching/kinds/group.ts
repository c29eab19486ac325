/** Several teachers as one. */
import { z } from "zod";
import { assembled } from "../../../base/registry.js";
import { positive } from "../../../base/schema-fields.js";
import { fixedWeights } from "../../../learn/teacher/group/group.js";
import { drawnKind } from "../../../learn/teacher/group/member-outputs.js";
import { singleTeacherSchema } from "../../recipe/schema/teacher-schema.js";
import type { ReadyViews } from "../../students/training-views.js";
import { labelFolder, labelOptions } from "../label-source.js";
import { stepTeacherOf } from "../look-at-teacher.js";
import type { ReadyTeacher } from "../ready-teacher.js";
import { isReopened, teacherEntryOf } from "../registry.js";
import type { StepTeacher } from "../step-teacher.js";
import type { TeacherEntry, TeacherOf, TeacherRequest } from "../teacher-entry.js";
import { combineTeachers } from "../teacher-group.js";
import { prepareOne } from "../teachers.js";
import { prepareViews, viewAnswersOf } from "../views.js";

const schema = assembled(() =>
  z.strictObject({
    group: z
      .array(singleTeacherSchema())
      .min(2)
      .describe(
        "Two or more teachers: models to train, files, label stores or endpoints. Trained teachers differ in their seeds",
      ),
    combine: z
      .enum(["mean-probabilities", "mean-logits", "mean-losses", "draw", "merge"])
      .default("mean-probabilities")
      .describe(
        "How teachers are combined: means, one drawn per update, or merged for teachers that know part of the classes (docs/teachers.md)",
      ),
    weights: z
      .union([z.array(positive).min(2), z.literal("confidence")])
      .optional()
      .describe(
        'One number per teacher (with draw, its probability), or "confidence": per sample, from each teacher\'s cross-entropy with the label (Zhang 2022, CA-MKD). Default: equal weights',
      ),
  }),
);

declare module "../../recipe/registries.js" {
  interface TeacherSchemas {
    group: typeof schema;
  }
}

type GroupTeacher = TeacherOf<"group">;

export const groupTeacher: TeacherEntry<GroupTeacher> = {
  kind: "group",
  mark: "group",
  schema,
  words: "several of these (group)",
  members: ({ group }) => group,
  perSeed: ({ group }) => group.some((member) => teacherEntryOf(member).perSeed?.(member)),
  readsLabels: ({ weights }) => weights === "confidence",
  unasked: "the recipe has several teachers",
  cannotAnswerViews,
  async prepare(settings, request) {
    const { context, arm, seed } = request;
    const members: ReadyTeacher[] = [];
    for (const [i, member] of settings.group.entries())
      members.push(await prepareOne(member, { context, arm, seed, member: i + 1, further: [] }));
    const group = combineTeachers(context, arm, settings, members);
    return { ...group, views: await viewsOf(group, request) };
  },
  async stepTeacher({ group, combine, weights }, options) {
    const members: StepTeacher[] = [];
    // No member of a group is absent.
    for (const member of group) members.push((await stepTeacherOf(member, options)) as StepTeacher);
    const confident = weights === "confidence";
    const drawnLogits = combine === "draw" && drawnKind(members) === "logits";
    const fixed = fixedWeights(weights === "confidence" ? undefined : weights, members.length);
    const each = members.map(({ kind }, i) => ({ kind, weight: fixed[i] as number }));
    return {
      classes: members[0]?.classes ?? 0,
      kind: combine === "mean-logits" || drawnLogits ? "logits" : "probabilities",
      features: [],
      reusable: null,
      ...(combine === "mean-losses" ? { members: each } : {}),
      weighed: combine === "mean-losses" && confident,
    };
  },
};

function cannotAnswerViews({ group, combine, weights }: GroupTeacher): { reason: string; cure: string } | null {
  if (combine === "mean-losses" || combine === "draw")
    return {
      reason: `${combine} keeps the answers of each teacher`,
      cure: "Set combine to mean-probabilities, mean-logits or merge",
    };
  if (weights === "confidence")
    return { reason: "weights by confidence are those of the unchanged samples", cure: "Give fixed weights" };
  const odd = group.findIndex((member) => !isReopened(member));
  if (odd < 0) return null;
  return { reason: `teacher ${odd + 1} of the group is neither a model nor a file`, cure: "Give a model or a file" };
}

/** A group is asked about views as one: its members' answers for them are combined before they are kept. */
async function viewsOf({ open }: ReadyTeacher, { context, arm }: TeacherRequest): Promise<ReadyViews | undefined> {
  const answers = viewAnswersOf(arm.plan);
  if (!open || answers === null || answers === "clean") return undefined;
  const opened = await open();
  try {
    const into = { folder: labelFolder(context), options: labelOptions(context, opened, "float32") };
    return await prepareViews(arm, context.loaded.data, opened, open, into);
  } finally {
    await opened.dispose();
  }
}
