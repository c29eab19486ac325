/** One teacher, many students: what accuracy costs in size and time. The teacher is trained once and labels once for all. */
import { InputError } from "../../base/errors.js";
import { maxOf } from "../../base/extremes.js";
import { distinct, folderName, type Hop, type Strategy, shortName, single } from "./hop-plan.js";
import { validationScore } from "./teacher-free.js";
import { widened } from "../pipeline/widths.js";

export const ladder: Strategy<"ladder"> = {
  kind: "ladder",
  planHops(plan, { models, widths, tolerance }) {
    if ((models === undefined) === (widths === undefined))
      throw new InputError({
        code: models === undefined ? "option-missing" : "option-conflict",
        where: "strategy",
        found: models === undefined ? "a ladder has neither models nor widths" : "a ladder has both models and widths",
        cure: "Give one of them: the students to compare",
      });
    const students = models ?? (widths ?? []).map((w) => widened(plan.student, w));
    const titles = distinct(students.map(shortName));
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
