/** summary.json: every figure of a run and of its report. */
import type { CurvePoint, GradientShare } from "../train/types.js";
import type { Latency } from "./latency.js";
import type { ClassScore } from "./metrics.js";
import type { Interval, Verdict } from "./verdict.js";

export interface SeedResult {
  readonly seed: number;
  /** Test accuracy in [0, 1]; null without labels. The same below. */
  readonly accuracy: number | null;
  readonly topK: number | null;
  readonly nll: number | null;
  readonly ece: number | null;
  /** Against its teacher; null for teachers and where there is none. */
  readonly agreement: number | null;
  readonly softKL: number | null;
  /** Which weights were kept, in words. */
  readonly selection: string;
  readonly steps: number;
  readonly seconds: number;
}

export interface Aggregates {
  readonly accuracy: Interval | null;
  readonly topK: Interval | null;
  readonly nll: Interval | null;
  readonly ece: Interval | null;
  readonly agreement: Interval | null;
  readonly softKL: Interval | null;
}

export interface ModelRow extends Aggregates {
  readonly id: string;
  readonly role: "teacher" | "student" | "baseline";
  readonly name: string;
  /** Name of the variant, "" for the recipe itself. */
  readonly variant: string;
  /** One line: "mlp 64-256-10, relu". */
  readonly architecture: string;
  readonly parameters: number | null;
  readonly macs: number | null;
  /** Size of the exported model. */
  readonly fileBytes: number;
  /** What it had seen, as a sentence. */
  readonly trainedOn: string;
  readonly seeds: readonly SeedResult[];
  readonly latency: Latency | null;
  /** Mean over seeds. */
  readonly perClass: readonly (ClassScore & { readonly class: string })[];
  /** Summed over seeds: [true][predicted]. */
  readonly confusion: readonly (readonly number[])[];
  readonly curves: readonly { readonly seed: number; readonly points: readonly CurvePoint[] }[];
  readonly gradientShares: readonly GradientShare[];
}

export interface Comparison extends Partial<Verdict> {
  readonly variant: string;
  readonly student: string;
  /** null: there is no baseline, because there are no labels or the recipe wants none. */
  readonly baseline: string | null;
  readonly teacher: string;
  readonly sentence: string;
}

export interface DarkKnowledge {
  readonly temperature: number;
  /** [true class][class]: mean of the teacher's softened distribution over the test samples of a class. */
  readonly matrix: readonly (readonly number[])[];
  readonly samples: readonly {
    readonly index: number;
    readonly label: string | null;
    readonly shape: readonly number[];
    /** Raw values scaled to [0, 1]. */
    readonly values: readonly number[];
    readonly teacherLogits: readonly number[];
    readonly studentLogits: readonly number[];
  }[];
}

export interface Summary {
  readonly limbeck: string;
  readonly name: string;
  readonly description: string | null;
  readonly command: string;
  readonly durationSeconds: number;
  readonly environment: Readonly<Record<string, string | number>>;
  readonly recipe: unknown;
  readonly data: {
    readonly name: string;
    readonly origin: string | null;
    readonly hash: string;
    readonly sampleShape: readonly number[];
    readonly classes: readonly string[];
    readonly counts: { readonly train: number; readonly validation: number; readonly test: number };
  };
  readonly models: readonly ModelRow[];
  readonly comparisons: readonly Comparison[];
  readonly darkKnowledge: DarkKnowledge | null;
  /** Paths relative to the run's folder. */
  readonly files: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
  readonly warnings: readonly string[];
}
