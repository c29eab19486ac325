/** summary.json: every figure of a run's report, and nothing that is not in it. Plain JSON; shares are in [0, 1]. */
import type { DataAudit } from "../data/audit/types.js";
import type { ConfusedPairs } from "./class-counts.js";
import type { Aggregate } from "./interval.js";
import type { Latency } from "./latency.js";
import type { ClassScore } from "./metrics.js";
import type { RobustnessSummary } from "./robustness/types.js";
import type { Verdict } from "./verdict.js";

export interface Summary {
  /** Version of limbeck that made it. */
  readonly limbeck: string;
  /** The recipe's name. */
  readonly name: string;
  /** The recipe's description, if it has one. */
  readonly description?: string | null;
  /** The command that repeats the run, e.g. "limbeck distill recipe.yaml --seed 0". */
  readonly command: string;
  /** ISO 8601; absent where runs must be byte-identical. */
  readonly startedAt?: string;
  readonly durationSeconds: number;
  readonly environment: Environment;
  /** The recipe with every default filled in. */
  readonly recipe: unknown;
  readonly data: DataSummary;
  /** One for each row of the table: teachers first, then each student with its baseline behind it. */
  readonly models: readonly ModelRow[];
  /** One for each student. */
  readonly comparisons: readonly Comparison[];
  /** Null when the teacher's outputs on the test samples are not known. */
  readonly darkKnowledge: DarkKnowledge | null;
  /** Above 100 classes: which of them `ModelRow.perClass` has, and where the others are. Absent where it has all. */
  readonly listedClasses?: ListedClasses;
  /** Errors under corruptions of the test samples; absent unless the recipe asks for them. */
  readonly robustness?: RobustnessSummary;
  /** What a strategy of several runs did; absent for a single run. */
  readonly strategy?: StrategySummary;
  /** Paths of what the run wrote, relative to summary.json: student, report, recipe ... */
  readonly files: Readonly<Record<string, string>>;
  /** What was found out on the way and the reader should know (the teacher's layout, what its outputs are ...). */
  readonly notes: readonly string[];
  /** What may be wrong. */
  readonly warnings: readonly string[];
}

/** The classes that matter of many: the largest gains and losses, the worst recall, the largest classes, the most confused. */
export interface ListedClasses {
  /** Their indices into `data.classes`, ascending: one for each entry of every `ModelRow.perClass`. */
  readonly indices: readonly number[];
  /** Classes of the data. */
  readonly of: number;
  /** Classes that have test samples. */
  readonly tested: number;
  /** The file beside summary.json with precision, recall and F1 of every class and model. */
  readonly file: string;
}

export interface StrategySummary {
  /** "assistants", "ladder" ... */
  readonly kind: string;
  /** Its runs, in order. */
  readonly hops: readonly HopSummary[];
  /** Title of the hop whose student became student.onnx, and why it. */
  readonly delivered: { readonly hop: string; readonly reason: string };
}

/** One run of a strategy. */
export interface HopSummary {
  readonly title: string;
  /** Its folder, with report.html and summary.json, relative to this summary. */
  readonly folder: string;
  /** Who taught; null for a training on labels alone. */
  readonly teacher: string | null;
  /** Id of its student's row, and of its baseline's; null without one. */
  readonly student: string;
  readonly baseline: string | null;
  /** Student against that baseline; null without one, without labels, or when neither is better than chance. */
  readonly verdict: Verdict | null;
  readonly points: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Duration of the run. */
  readonly seconds: number;
}

export interface Environment {
  /** Version of Node. */
  readonly node: string;
  readonly "onnxruntime-node": string;
  /** "linux x64". */
  readonly platform: string;
  /** Model name of the processor. */
  readonly cpu: string;
  readonly cores: number;
  /** Threads used for training. */
  readonly threads: number;
  /** "cpu" or "webgpu"; absent means cpu. */
  readonly device?: string;
}

export interface DataSummary {
  readonly name: string;
  /** Where it came from and under which licence. */
  readonly origin?: string | null;
  /** Hex SHA-256 (data/types.ts). */
  readonly hash: string;
  /** [C,H,W] or [F]. */
  readonly sampleShape: readonly number[];
  /** Class names by index. */
  readonly classes: readonly string[];
  readonly counts: {
    readonly train: number;
    /** Training samples whose labels student and baseline may use. */
    readonly labelled?: number;
    readonly validation: number;
    readonly test: number;
  };
  /** What was found out about the data before anything was trained; absent in summaries older than this field. */
  readonly audit?: DataAudit;
  /** The class with the most test samples and its share of them: how often always naming it is right. Null without labels. */
  readonly largestClass?: { readonly class: string; readonly share: number } | null;
  /** Sentences about the split, normalisation and augmentation. */
  readonly notes?: readonly string[];
}

export type Role = "teacher" | "student" | "baseline";

export interface ModelRow {
  /** Unique in the summary: "teacher", "student", "baseline", "student:few-labels". */
  readonly id: string;
  readonly role: Role;
  /** For people: "teacher", "student", "student, T 2". */
  readonly name: string;
  /** The recipe's variant that brought it; "" or absent for the recipe itself. */
  readonly variant?: string;
  /** One line: "mlp 784-30-30-10, relu". */
  readonly architecture: string;
  /** Null when not known (a teacher that is a label store). */
  readonly parameters: number | null;
  /** Multiply-accumulates of one sample. */
  readonly macs?: number | null;
  /** Size of the ONNX file; null when there is none. */
  readonly fileBytes: number | null;
  /** A sentence: what it had seen. */
  readonly trainedOn: string;
  /** A sentence: what it minimises. Absent for a teacher that was loaded. */
  readonly objective?: string;
  /** One result a seed, ascending. */
  readonly seeds: readonly SeedResult[];
  /** Test accuracy; null without labels, as are nll, ece and topK. */
  readonly accuracy: Aggregate | null;
  /** Mean recall of the classes that have test samples; null without labels. */
  readonly balancedAccuracy?: Aggregate | null;
  readonly topK: (Aggregate & { readonly k?: number }) | null;
  /** Negative log-likelihood, in nats. */
  readonly nll: Aggregate | null;
  /** Expected calibration error, 15 equal-width bins. */
  readonly ece: Aggregate | null;
  /** Share of test samples with the teacher's top class; null for the teacher itself. */
  readonly agreement: Aggregate | null;
  /** KL(teacher || this) at T 1, in nats; null for the teacher itself. */
  readonly softKL: Aggregate | null;
  /** Mean cosine of its outputs with the teacher's; only where the objective compares directions and no labels are there. */
  readonly cosine?: Aggregate | null;
  /** Null when it was not measured. */
  readonly latency: Latency | null;
  /** Mean over the seeds, by class; of more than 100 classes those of `Summary.listedClasses`. Empty without labels. */
  readonly perClass: readonly ClassRow[];
  /** Counts [label][predicted] summed over the seeds; empty without labels, and above 100 classes. */
  readonly confusion: readonly (readonly number[])[];
  /** The most frequent errors, where there are more than 100 classes. */
  readonly confused?: ConfusedPairs;
  /** Learning curves, one a seed; empty for a model that was not trained here. */
  readonly curves: readonly Curve[];
  /** Each term's share of the gradient norm over the training, mean over the seeds; empty when not measured. */
  readonly gradientShares: readonly SharePoint[];
  /** Of a model whose transfer set lacked some classes; absent for others. */
  readonly omitted?: OmittedScores;
}

/** How a model does on classes that it never saw. */
export interface OmittedScores {
  /** Names of those classes. */
  readonly classes: readonly string[];
  /** Share of right answers on the test samples of these classes, over the seeds; null without any. */
  readonly accuracy: Aggregate | null;
  /** Null without a bias correction; with one, the row's own scores are those after it. */
  readonly correction: BiasCorrection | null;
}

export interface BiasCorrection {
  /** Names of the classes whose outputs it shifts: the omitted ones, or those that were kept. */
  readonly classes: readonly string[];
  /** What it adds to them. */
  readonly offset: Aggregate;
  /** Test scores without it: of all samples, and of the omitted classes; null without labels. */
  readonly before: { readonly accuracy: Aggregate | null; readonly omitted: Aggregate | null };
  /** The offset of each seed, with the accuracy on the validation samples that chose it. */
  readonly seeds: readonly {
    readonly seed: number;
    readonly offset: number;
    readonly validationBefore: number;
    readonly validationAfter: number;
  }[];
}

/** Test scores of one seed. */
export interface SeedScores {
  readonly accuracy: number | null;
  /** Mean recall of the classes that have test samples. */
  readonly balancedAccuracy?: number | null;
  readonly topK: number | null;
  readonly nll: number | null;
  readonly ece: number | null;
  readonly agreement: number | null;
  readonly softKL: number | null;
  readonly cosine?: number;
}

export interface SeedResult extends SeedScores {
  readonly seed: number;
  /** The class it names most often, and its share of the test samples. */
  readonly topAnswer?: { readonly class: string; readonly share: number };
  /** Whether it tells the classes apart better than chance would (chance.ts); null without labels. */
  readonly aboveChance?: boolean | null;
  /** How its weights were chosen: "best by validation accuracy (94.4 %), epoch 12 of 20"; "as given" for a loaded model. */
  readonly selection: string;
  readonly steps: number;
  /** Training time. */
  readonly seconds: number;
}

export interface ClassRow extends ClassScore {
  /** The class's name. */
  readonly class: string;
}

export interface Curve {
  readonly seed: number;
  readonly points: readonly CurvePoint[];
}

export interface CurvePoint {
  readonly step: number;
  readonly epoch: number;
  /** Mean training loss since the last point. */
  readonly loss: number;
  /** On the validation samples; null without labels. */
  readonly accuracy: number | null;
  /** With the teacher, on the validation samples; null without one. */
  readonly agreement: number | null;
  /** As `ModelRow.cosine`, on the validation samples. */
  readonly cosine?: number;
  /** Mean of each unweighted term since the last point. */
  readonly terms: Readonly<Record<string, number>>;
}

export interface SharePoint {
  readonly step: number;
  /** Term -> share in [0, 1]; they sum to 1. */
  readonly shares: Readonly<Record<string, number>>;
}

export interface Comparison {
  /** The recipe's variant; "" or absent for the recipe itself. */
  readonly variant?: string;
  /** Ids of `ModelRow`s. */
  readonly student: string;
  readonly teacher: string;
  /** Null when there is no baseline: then there is no verdict either, nor points, low and high. */
  readonly baseline: string | null;
  /** Null also when neither model is better than chance: their difference says nothing. */
  readonly verdict?: Verdict | null;
  /** Student minus baseline, in points of test accuracy, with its 95 % interval (verdict.ts). */
  readonly points?: number | null;
  readonly low?: number | null;
  readonly high?: number | null;
  /** The verdict in one sentence. */
  readonly sentence: string;
  /** One line of advice; null where the figures support none. */
  readonly advice?: string | null;
}

/** What the first teacher knows besides the right class (Hinton et al. 2015, section 2), beside the first student. */
export interface DarkKnowledge {
  /** Temperature of the distillation loss (1 where it has none): that of the matrix, and where the slider starts. */
  readonly temperature: number;
  /**
   * Mean softened teacher distribution of the test samples of a class: [class][class]. Rows are true classes, or without
   * labels the classes that the teacher names; null, or all 0, for a class without a sample. Empty above 100 classes.
   */
  readonly matrix: readonly (readonly number[] | null)[];
  /** The largest entries beside the matrix's diagonal, largest first, where there are more than 100 classes. */
  readonly likeliest?: readonly LikelyClass[];
  /** Real test samples, some of which the teacher hesitates on. */
  readonly samples: readonly DarkSample[];
}

/** Another class that the teacher gives a share of its mean answer for a class. */
export interface LikelyClass {
  /** The row's class: the true one, or without labels the one the teacher names. An index into the class names. */
  readonly class: number;
  /** The class that the teacher gives the share to. */
  readonly other: number;
  /** In [0, 1]. */
  readonly share: number;
}

/** What is left of an answer of many logits: [mean logit, how many] of the logits in each of some ranges. */
export type LogitTail = readonly (readonly [logit: number, count: number])[];

export interface DarkSample {
  /** Index into the data set. */
  readonly index: number;
  /** The true class's name; null without labels. */
  readonly label: string | null;
  /** [C,H,W] with C 1 or 3 is an image; anything else is a row of features. */
  readonly shape: readonly number[];
  /** Row-major; pixels in [0, 1], features as in the data. */
  readonly values: readonly number[];
  /** Names of the features. */
  readonly features?: readonly string[];
  /** Indices of the classes whose logits follow, the teacher's best first; absent where all follow, in their order. */
  readonly classes?: readonly number[];
  /** [classes]; log-probabilities for a teacher that outputs probabilities. */
  readonly teacherLogits: readonly number[];
  /** [classes], first seed. */
  readonly studentLogits: readonly number[];
  /** The other classes' logits, where `classes` names only some. */
  readonly rest?: { readonly teacher: LogitTail; readonly student: LogitTail };
}
