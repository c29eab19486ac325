/** What the compiler trains: a student of any origin. */
import type { Graph } from "./types.js";

/**
 * A graph in inference form with the names of what training may change. Nothing assumes that limbeck built it:
 * any initialiser of any graph can be named here.
 */
export interface TrainableModel {
  /** Inference form: BatchNormalization and Dropout as ONNX has them, weights as initialisers, first dimension the batch. */
  readonly graph: Graph;
  /** Names of the trainable initialisers, in a fixed order. */
  readonly parameters: readonly string[];
  /** Running statistics of batch norms that are in training mode; the others stay frozen. */
  readonly buffers: readonly string[];
  /** Parameters weight decay leaves alone. */
  readonly undecayed?: ReadonlySet<string>;
  /** Graph inputs that take the samples: one for each array that it reads of them, the batch first. */
  readonly inputs: readonly string[];
  /** Graph output [batch, width]. */
  readonly output: string;
}
