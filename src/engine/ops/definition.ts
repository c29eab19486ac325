/** What an op's file must say about the op. One family a file; the registry collects them. */
import type { BuiltCall, GraphBuilder, OpCall, StaticType, Value } from "../graph/builder.js";
import type { Tensor } from "../graph/types.js";

/** What a gradient rule sees. Shapes are static, so a rule may decide anything from `inputs[i].shape` while building. */
export interface GradientContext {
  readonly builder: GraphBuilder;
  readonly call: BuiltCall;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  /** d loss / d output; undefined where an output does not reach the loss (at least one is defined). */
  readonly gradients: readonly (Value | undefined)[];
  /** Whether anybody wants the gradient of input i: skip the work otherwise. */
  wants(i: number): boolean;
}

/**
 * Returns d loss / d input for every input, of exactly the input's shape; undefined for inputs that are not wanted
 * or that the gradient does not reach.
 */
export type GradientRule = (context: GradientContext) => readonly (Value | undefined)[];

export interface OpDefinition {
  readonly op: string;
  /** "" is standard ONNX; ABSTRACT_DOMAIN ops must have `lower`. */
  readonly domain?: string;
  /** Output types; throw InputError (use `misfit`) when the inputs cannot be. Must equal ONNX Runtime's own inference. */
  infer(call: OpCall): readonly StaticType[];
  /** A rule, or "zero" for ops whose derivative is zero or undefined everywhere (comparisons, Shape, ArgMax); absent: not supported. */
  readonly gradient?: GradientRule | "zero";
  /** Values of the outputs when they can be known now (constants, static shapes): shape arithmetic only. */
  evaluate?(call: OpCall): readonly Tensor[] | undefined;
  /** Abstract ops: the same in plain ONNX (and other abstract ops). Returns the call's outputs. */
  lower?(call: OpCall, builder: GraphBuilder): readonly Value[];
  /** Which inputs are running statistics: kept with the weights, and trained by no gradient. */
  readonly statistics?: readonly number[];
  /** One line for the generated op table: restrictions of the gradient rule. */
  readonly note?: string;
}
