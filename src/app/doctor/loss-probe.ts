/** Finds common mistakes in a distillation loss by evaluating its graph. */
import { runGraph } from "../../learn/evaluate/objective.js";
import { maxOf, minOf } from "../../base/extremes.js";
import { scalar, tensor } from "../../engine/graph/tensor.js";
import type { Tensor } from "../../engine/graph/types.js";
import { objectiveGraph } from "../../engine/objective/evaluate.js";
import type { ObjectiveConfig } from "../../engine/objective/objective.js";
import { lossOf } from "../../engine/objective/registry.js";
import { type Finding, fine } from "./types.js";

const BATCH = 4;
const CLASSES = 5;
/** Temperatures tried for a loss that has its own built in. */
const TEMPERATURES = [1, 0.5, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 15, 16, 20];

type ProbedLoss = NonNullable<ObjectiveConfig["distillationLoss"]>;
type Matrix = readonly (readonly number[])[];
type Loss = (student: Matrix, teacher: Matrix) => Promise<{ readonly loss: number; readonly gradient: number }>;

/**
 * Asks a loss for values and gradients in float64 and compares them with what a divergence of distributions must give.
 * @param config a loss of limbeck's own or `{ kind: "custom", definition }`
 */
export async function probeLoss(config: ProbedLoss): Promise<Finding[]> {
  const check = "distillation loss";
  const loss = evaluationOf(config);
  const pairs = [0, 1, 2, 3].map((n) => [logits(n, 2), logits(n + 7, 3)] as const);
  const values: number[] = [];
  let largest = 0;
  for (const [s, t] of pairs) {
    const { loss: value, gradient } = await loss(s, t);
    values.push(value);
    largest = Math.max(largest, gradient);
  }
  const fail = (found: string, why: string, change: string): Finding[] => [
    { check, status: "fail", found, why, change },
  ];
  if (!(largest > 1e-9))
    return fail(
      `its gradient with respect to the student is ${largest}`,
      "the loss compares the teacher with itself or does not read the student's logits, so the student learns nothing from it",
      "build the loss from inputs.studentLogits on one side and inputs.teacher.values on the other",
    );
  // Only what is meant to be a divergence of distributions has its laws; limbeck's own other losses have tests of theirs.
  if (!lossOf(config).divergence) return [fine(check, `${config.kind}: gradient ${largest}`)];
  const named = byForm(values, pairs);
  if (named) return named.why ? fail(named.found, named.why, named.change) : [fine(check, named.found)];
  return byLaws(loss, pairs, values, fail);
}

interface Named {
  readonly found: string;
  readonly why: string;
  readonly change: string;
}

/** A loss that is a multiple of a known form at some temperature is that form. */
function byForm(values: readonly number[], pairs: readonly (readonly [Matrix, Matrix])[]): Named | null {
  // Of probabilities that were softened, or softened after they were taken for logits.
  const twice = (row: readonly number[], t: number): number[] => softmax(softmax(row, t), 1);
  const after = (row: readonly number[], t: number): number[] => softmax(softmax(row, 1), t);
  const forms = [
    {
      name: "forward",
      of: (s: readonly number[], q: readonly number[], t: number) => kl(softmax(q, t), softmax(s, t)),
    },
    {
      name: "swapped",
      of: (s: readonly number[], q: readonly number[], t: number) => kl(softmax(s, t), softmax(q, t)),
    },
    { name: "twice", of: (s: readonly number[], q: readonly number[], t: number) => kl(twice(q, t), twice(s, t)) },
    { name: "twice", of: (s: readonly number[], q: readonly number[], t: number) => kl(after(q, t), after(s, t)) },
  ] as const;
  for (const { name, of } of forms)
    for (const t of TEMPERATURES) {
      const ratios = pairs.map(([s, q], i) => {
        const mean = s.reduce((sum, row, r) => sum + of(row, q[r] as readonly number[], t), 0) / s.length;
        return (values[i] as number) / mean;
      });
      const first = ratios[0] as number;
      if (ratios.every((r) => Math.abs(r - first) <= 1e-7 * Math.abs(first))) return verdictOf(name, t, first);
    }
  return null;
}

function verdictOf(form: "forward" | "swapped" | "twice", t: number, factor: number): Named {
  const found = `it is ${factor.toPrecision(4)} times ${form === "swapped" ? "KL(student || teacher)" : "KL(teacher || student)"} at T ${t}`;
  if (form === "swapped")
    return {
      found,
      why: "teacher and student are swapped, so the student may ignore classes that the teacher considers possible",
      change: "put the teacher's distribution first, or use distillation_loss.kind: reverse-kl if this is intended",
    };
  if (form === "twice")
    return {
      found: `${found}, applied to the softmax of probabilities`,
      why: "softmax is applied to probabilities, so all targets become nearly uniform",
      change: "take log-softmax of the logits / T once, on both sides",
    };
  const near = (wanted: number): boolean => Math.abs(factor / wanted - 1) < 1e-6;
  if (near(t * t)) return { found, why: "", change: "" };
  if (near((t * t) / CLASSES) || near(1 / CLASSES))
    return {
      found: `${found}, for ${CLASSES} classes`,
      why: `the mean is also taken over the classes, which divides the weight by C${near(1 / CLASSES) && t !== 1 ? "; T^2 is also missing" : ""}`,
      change: "sum over the classes, then average over the batch",
    };
  if (near(1))
    return {
      found,
      why: `T^2 is missing, so the gradient is divided by T^2, here ${t * t}`,
      change: "multiply the loss by T^2",
    };
  return {
    found,
    why: `expected the factor T^2 = ${t * t}, so the term does not have its configured weight`,
    change: "scale the loss only by T^2; use the term's weight for other factors",
  };
}

/** What any divergence of distributions obeys: never negative, 0 at equality, blind to a constant added to the logits. */
async function byLaws(
  loss: Loss,
  pairs: readonly (readonly [Matrix, Matrix])[],
  values: readonly number[],
  fail: (found: string, why: string, change: string) => Finding[],
): Promise<Finding[]> {
  const [s, t] = pairs[0] as readonly [Matrix, Matrix];
  const change = "take log-softmax of logits / T on both sides before comparing them";
  const scale = maxOf(values.map(Math.abs), 1e-12);
  const shifted = (
    await loss(
      s.map((row) => row.map((v) => v + 10)),
      t,
    )
  ).loss;
  if (Math.abs(shifted - (values[0] as number)) > 1e-6 * scale)
    return fail(
      `${values[0]} becomes ${shifted} when 10 is added to all student logits`,
      "the loss uses logits instead of a distribution",
      change,
    );
  const lowest = minOf(values);
  if (lowest < -1e-9 * scale)
    return fail(
      `its lowest value is ${lowest}`,
      "a divergence is never negative, so one side is not a distribution",
      change,
    );
  const equal = await loss(t, t);
  if (equal.gradient > 1e-6 * scale)
    return fail(
      `the gradient is ${equal.gradient} even if the student equals its teacher`,
      "the loss pulls the student away from the teacher, because the two sides are not treated the same way",
      change,
    );
  const doubled = (await loss([...s, ...s], [...t, ...t])).loss;
  if (Math.abs(doubled - (values[0] as number)) > 1e-6 * scale)
    return fail(
      `${values[0]} becomes ${doubled} when the batch is repeated`,
      "the loss and its weight grow with the batch size",
      "average over the batch",
    );
  return [fine("distillation loss", "never negative, 0 at equality, independent of shifts and batch size")];
}

function evaluationOf(config: ProbedLoss): Loss {
  return async (student, teacher) => {
    const objective = {
      weights: { student: 0, distillation: 1 },
      studentLoss: { kind: "cross-entropy" },
      distillationLoss: config,
    } as const;
    const { graph, scalars } = objectiveGraph(objective, student.length, CLASSES);
    const matrix = (rows: Matrix): Tensor => tensor("float64", rows.flat(), [rows.length, CLASSES]);
    const all = new Map<string, Tensor>([
      ["student_logits", matrix(student)],
      ["teacher", matrix(teacher)],
      [
        "labels",
        tensor(
          "int64",
          student.map((_, i) => i % CLASSES),
        ),
      ],
      ...scalars.map((s): [string, Tensor] => [s.name, scalar(s.initial, "float64")]),
    ]);
    const feeds = new Map(graph.inputs.map(({ name }) => [name, all.get(name) as Tensor]));
    const outputs = await runGraph(graph, feeds);
    const gradient = Array.from(outputs.get("gradient")?.data ?? [], Number);
    return {
      loss: Number(outputs.get("loss")?.data[0]),
      gradient: gradient.reduce((norm, v) => Math.hypot(norm, v), 0),
    };
  };
}

/** Numbers of no pattern, the same every time. */
const logits = (n: number, size: number): Matrix =>
  Array.from({ length: BATCH }, (_, i) =>
    Array.from(
      { length: CLASSES },
      (_, c) => size * Math.sin(12.9898 * (n + 1) * (i + 1) + 78.233 * (c + 1) * (n + 2)),
    ),
  );

function softmax(row: readonly number[], t: number): number[] {
  const most = maxOf(row);
  const e = row.map((v) => Math.exp((v - most) / t));
  const sum = e.reduce((a, v) => a + v, 0);
  return e.map((v) => v / sum);
}

const kl = (p: readonly number[], q: readonly number[]): number =>
  p.reduce((sum, v, c) => sum + v * Math.log(v / (q[c] as number)), 0);
