/**
 * A model ready to run, as the public API shows it. In a file of its own because ONNX Runtime's own types need those of a
 * browser (ImageData, WebGLTexture): a program for Node that imports limbeck must not need them too.
 */
import type { DType, Tensor } from "../graph/types.js";

export interface SessionOptions {
  /** Intra-op threads; 0 (default) lets ONNX Runtime choose. */
  readonly threads?: number;
  /** Default "cpu". "webgpu" falls back to the CPU for what it lacks. */
  readonly device?: "cpu" | "webgpu";
  /** Measuring only, in Node: ONNX Runtime's trace of every node goes to a file with this prefix, complete once disposed. */
  readonly profile?: string;
}

/** An input or output as the model declares it: sizes, or names of free dimensions. */
export interface SessionValue {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
}

/** A model ready to run. */
export interface Session {
  readonly inputs: readonly SessionValue[];
  readonly outputs: readonly SessionValue[];
  /**
   * Runs the model. Every input must be fed and nothing else; the element types must be the declared ones.
   * @returns every output, or those named
   * @throws RunError that names what does not fit, or the node that failed
   */
  run(feeds: Readonly<Record<string, Tensor>>, outputs?: readonly string[]): Promise<Record<string, Tensor>>;
  /** Frees the native memory. May be called again. */
  dispose(): Promise<void>;
}
