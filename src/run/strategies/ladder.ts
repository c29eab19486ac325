/** One teacher, many students: what accuracy costs in size and time. The teacher is trained once and labels once for all. */
import { shortModelName } from "../../engine/models/registry.js";
import { z } from "zod";
import { assembled } from "../../base/registry.js";
import { fraction } from "../../base/schema-fields.js";
import { modelSchema } from "../recipe/schema/model-schema.js";
import { maxOf } from "../../base/extremes.js";
import { distinct, folderName, type Hop, single } from "./hop-plan.js";
import { rulesOf } from "./strategy-rule.js";
import { validationScore } from "./teacher-free.js";
import { widened } from "../pipeline/widths.js";
import { passedOn } from "../teaching/rules/rule.js";
import type { HopStrategy } from "./strategy-entry.js";

const schema = assembled(() =>
  z.strictObject({
    kind: z.literal("ladder").describe("One teacher, many students: accuracy by size and time"),
    models: z.array(modelSchema()).min(1).optional().describe("The students; set either models or widths"),
    widths: z
      .array(z.number().positive())
      .min(1)
      .optional()
      .describe("Factors on the units, filters or width of the recipe's student, one student for each"),
    tolerance: fraction
      .default(0.01)
      .describe(
        "The smallest student whose validation accuracy is within this distance of the best becomes student.onnx",
      ),
  }),
);

declare module "../recipe/registries.js" {
  interface StrategySchemas {
    ladder: typeof schema;
  }
}

const rule = rulesOf("ladder");

export const ladder: HopStrategy<"ladder"> = {
  kind: "ladder",
  schema,
  asksTeacher: () => true,
  comparesSizes: true,
  rules: [
    rule({
      name: "ladder: neither models nor widths",
      reads: "recipe",
      code: "option-missing",
      when: ({ models, widths }) => models === undefined && widths === undefined,
      field: "strategy",
      says: () => ({
        found: "a ladder has neither models nor widths",
        cure: "Give one of them: the students to compare",
      }),
    }),
    rule({
      name: "ladder: models and widths",
      reads: "recipe",
      code: "option-conflict",
      when: ({ models, widths }) => models !== undefined && widths !== undefined,
      field: "strategy",
      says: () => ({
        found: "a ladder has both models and widths",
        cure: "Give one of them: the students to compare",
      }),
    }),
    passedOn({
      name: "ladder: students that have a width",
      of: "strategy",
      reads: "recipe",
      check({ plan: { strategy, student } }) {
        if (strategy.kind === "ladder") for (const width of strategy.widths ?? []) widened(student, width);
      },
    }),
  ],
  planHops(plan, { models, widths, tolerance }) {
    const students = models ?? (widths ?? []).map((w) => widened(plan.student, w));
    const titles = distinct(students.map(shortModelName));
    const hops = students.map((student, i): Hop => {
      const title = titles[i] as string;
      const folder = folderName(i + 1, title);
      const own = single(plan, { student });
      return { title, folder, command: "distill", plan: own, teacher: "teacher", ownTeacher: true };
    });
    return {
      hops,
      everyStudent: true,
      pairs: titles.map((title) => ({ title, student: title, against: "own baseline" as const })),
      deliver(done) {
        const best = maxOf(done.map(validationScore));
        const good = done.filter((d) => validationScore(d) >= best - tolerance);
        const size = (d: (typeof done)[number]): number =>
          d.summary.models.find((m) => m.role === "student")?.parameters ?? 0;
        const hop = good.reduce((a, b) => (size(b) < size(a) ? b : a));
        const points = +(100 * tolerance).toFixed(3);
        const reason = `the smallest student within ${points} ${points === 1 ? "point" : "points"} of the best validation accuracy`;
        return { hop, reason };
      },
    };
  },
};
