/** The contract between the compiler and whatever executes a training step. Plain data only: all of it crosses to a worker. */
import type { UpdateRule, WeightAverage } from "../optim/types.js";

/** Per-step array types: what ONNX Runtime takes as feeds. */
export type BatchArray = Float32Array | Uint8Array | Int32Array | BigInt64Array;

/** One run-time input of a program that is not a parameter: a batch of samples, labels, teacher outputs. */
export interface BatchInput {
  readonly name: string;
  readonly dtype: "float32" | "uint8" | "int32" | "int64";
  /** Static shape, batch first. */
  readonly shape: readonly number[];
}

export interface ParameterSlot {
  /** The initialiser's name in the student's own graph; also the feed's name. float32. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Output of the step graph that holds the gradient. */
  readonly gradient: string;
  /** False for parameters that weight decay leaves alone. */
  readonly decay: boolean;
}

/** State that changes without a gradient (running mean and variance). */
export interface BufferSlot {
  readonly name: string;
  readonly shape: readonly number[];
  /** Output of the step graph that holds the new value. */
  readonly update: string;
  /** Batch input int64 [n]: only these rows change, and the update is [n, ...]. Absent: all of it. Not on devices. */
  readonly rows?: string;
  /** State of a loss, which is no part of the student and never averaged. */
  readonly ofLoss?: boolean;
}

/** A mask of dropout or stochastic depth: each element is 1 / (1 - rate) with probability 1 - rate, else 0, a function of (seed, stream, step, element). */
export interface MaskInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly rate: number;
  readonly stream: number;
}

/** One training step: feeds are parameters, buffers, batch inputs, masks and scalars; fetches are gradients, buffer updates and losses. */
export interface StepProgram {
  /** Lowered, plain ONNX. */
  readonly graph: Uint8Array;
  readonly parameters: readonly ParameterSlot[];
  readonly buffers: readonly BufferSlot[];
  readonly batch: readonly BatchInput[];
  readonly masks: readonly MaskInput[];
  /** float32 scalars fed at every step: temperature, weights. */
  readonly scalars: readonly string[];
  /** float32 scalars fetched at every step: the total loss first, then each term. */
  readonly losses: readonly string[];
  /** Whether the graph computes things twice on purpose: to keep less. */
  readonly repeats?: boolean;
}

/** A forward pass over parameters and buffers of the arena; the first dimension of inputs and output is free. */
export interface EvaluationProgram {
  readonly graph: Uint8Array;
  /** Names fed from the arena. */
  readonly state: readonly string[];
  /** Arrays of the samples; `shape` is that of one sample. */
  readonly inputs: readonly BatchInput[];
  readonly output: string;
}

/** A graph that only measures: same feeds as the step, float32 scalar outputs (each term's gradient norm). */
export interface DiagnosticProgram {
  readonly graph: Uint8Array;
  readonly outputs: readonly string[];
}

/** The update as a graph: for devices, where the state stays. Feeds are state, summed gradients and scalars. */
export interface UpdateProgram {
  readonly graph: Uint8Array;
  /** In the order of `StepProgram.parameters`: names of feeds, and of the fetches that hold what replaces them. */
  readonly parameters: readonly {
    readonly name: string;
    readonly gradient: string;
    readonly moments: readonly string[];
    readonly updated: string;
    readonly updatedMoments: readonly string[];
  }[];
  /** float32 scalars: fields of `UpdateScalars`. */
  readonly scalars: readonly { readonly field: string; readonly input: string }[];
  /** float32 scalar fetched: the global gradient norm before clipping. */
  readonly norm: string;
  /** With micro-batches: a graph with total/p = sum/p + gradient/p for every parameter p. */
  readonly accumulate: Uint8Array | undefined;
  /**
   * With weight averaging: a graph with averaged/n from average/n and value/n for every parameter and updated buffer n, and
   * the float32 scalar average/rate.
   */
  readonly average?: Uint8Array;
}

export interface ExecutorConfig {
  readonly step: StepProgram;
  readonly evaluation: EvaluationProgram;
  readonly diagnostic?: DiagnosticProgram;
  readonly rule: UpdateRule;
  /** Global-norm clipping threshold (Pascanu et al., ICML 2013); 0 is off. */
  readonly clipNorm: number;
  /** Micro-batches a step; gradients are summed and divided by it. */
  readonly accumulate: number;
  /** Averages the weights, which evaluations then use; absent: off. */
  readonly average?: WeightAverage;
  readonly seed: number;
  readonly device: "cpu" | "webgpu";
  /** Needed on a device; on the CPU the kernels update. */
  readonly update?: UpdateProgram;
  /** ONNX Runtime intra-op threads; 0 lets it choose. */
  readonly threads: number;
  /** Measuring only: prefix of the files that ONNX Runtime's traces of the programs go to, complete once disposed. */
  readonly profile?: string;
}

/** One update: `accumulate` micro-batches, one learning rate. */
export interface StepRequest {
  /** For each micro-batch the arrays in the order of `StepProgram.batch`. */
  readonly micro: readonly (readonly BatchArray[])[];
  /** Values in the order of `StepProgram.scalars`. */
  readonly scalars: Float32Array;
  readonly lr: number;
  readonly momentum?: number;
  /** Also run the diagnostic program on the first micro-batch, before the update. */
  readonly diagnose?: boolean;
}

export interface StepsResult {
  /** [steps, losses]: mean over the micro-batches. Rows for the steps done, and one more for the step that diverged. */
  readonly losses: Float32Array;
  /** Global gradient norm of each row, before clipping; NaN when its loss was not finite. */
  readonly gradientNorms: Float32Array;
  /** For each step with `diagnose`: its index in the request and the diagnostic outputs. */
  readonly diagnostics: readonly { readonly step: number; readonly values: Float32Array }[];
  /** Steps done: fewer than asked when stopped or when a loss or gradient norm is not finite (the update of that step is not applied). */
  readonly done: number;
  readonly diverged: boolean;
}

/** Everything the next step depends on inside the executor. All float32, by name. */
export interface ExecutorState {
  /** Updates done so far. */
  readonly step: number;
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly buffers: ReadonlyMap<string, Float32Array>;
  /** Per parameter name, per moment index ("name/0" is momentum or first moment, "name/1" second); none at all: they start at zero. */
  readonly moments: ReadonlyMap<string, Float32Array>;
  /** With weight averaging, of each parameter and updated buffer of the student; none at all: they start as what they average. */
  readonly averages?: ReadonlyMap<string, Float32Array>;
}

/** Executes programs over one arena. Node: a worker thread around onnxruntime-node. */
export interface Executor {
  /** Runs updates in order. Arrays in the requests are transferred and unusable afterwards. */
  run(requests: readonly StepRequest[]): Promise<StepsResult>;
  /**
   * Outputs for `count` samples [count, ...], float32, using the current state, averaged where weights are averaged.
   * @param samples an array for each input of the evaluation, copied, not transferred
   */
  evaluate(samples: readonly BatchArray[], count: number): Promise<Float32Array>;
  /** Copies of the state; safe to keep. */
  snapshot(): Promise<ExecutorState>;
  restore(state: ExecutorState): Promise<void>;
  /** Asks the worker to stop after the step it is in; `run` then returns what it did. Synchronous, through shared memory. */
  stop(): void;
  dispose(): Promise<void>;
}
