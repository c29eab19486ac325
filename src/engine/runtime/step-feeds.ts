/** What a step is fed besides its state: masks, scalars and the arrays of a micro-batch. */
import type * as Ort from "onnxruntime-node";
import { sizeOf } from "../graph/tensor.js";
import { noun } from "../../base/noun.js";
import { mismatch } from "./faults.js";
import { MaskFiller } from "./masks.js";
import type { OnnxRuntime } from "./ort.js";
import type { BatchArray, BatchInput, ExecutorConfig, MaskInput, StepRequest } from "./types.js";

export type Feeds = Record<string, Ort.Tensor>;

interface Mask {
  readonly values: Float32Array;
  readonly filler: MaskFiller;
}

const ARRAYS = { float32: Float32Array, uint8: Uint8Array, int32: Int32Array, int64: BigInt64Array };

export class StepFeeds {
  readonly #runtime: OnnxRuntime;
  readonly #config: ExecutorConfig;
  /** Masks and scalars stay; batch arrays are replaced for every micro-batch. */
  readonly tensors: Feeds;
  readonly #scalars: Float32Array[] = [];
  readonly #masks: Mask[] = [];

  /** @param tensors the feeds of a session, to which these are added */
  constructor(runtime: OnnxRuntime, config: ExecutorConfig, tensors: Feeds) {
    this.#runtime = runtime;
    this.#config = config;
    this.tensors = tensors;
    const { masks, scalars } = config.step;
    const tensor = (data: Float32Array, shape: readonly number[]) => new runtime.Tensor("float32", data, shape);
    for (const mask of masks) tensors[mask.name] = tensor(this.#mask(mask, config.seed), mask.shape);
    for (const name of scalars) {
      const value = new Float32Array(1);
      this.#scalars.push(value);
      tensors[name] = tensor(value, []);
    }
  }

  /**
   * Sets everything for one micro-batch.
   * @param index micro-batch of the request
   * @param maskStep number of micro-batches before this one in the whole training
   */
  fill(request: StepRequest, index: number, maskStep: number): void {
    this.#scalars.forEach((value, i) => {
      value[0] = request.scalars[i] as number;
    });
    for (const { values, filler } of this.#masks) filler.fill(values, maskStep);
    const arrays = request.micro[index] as readonly BatchArray[];
    this.#config.step.batch.forEach((input, i) => {
      const array = arrays[i] as BatchArray;
      checkArray(input, array);
      this.tensors[input.name] = new this.#runtime.Tensor(input.dtype as "float32", array as Float32Array, input.shape);
    });
  }

  #mask(mask: MaskInput, seed: number): Float32Array {
    if (!(mask.rate >= 0 && mask.rate < 1))
      throw mismatch(`mask "${mask.name}"`, `the rate is ${mask.rate}`, "a number from 0 to below 1");
    const values = new Float32Array(sizeOf(mask.shape));
    this.#masks.push({ values, filler: new MaskFiller(seed, mask.stream, mask.rate) });
    return values;
  }
}

function checkArray(input: BatchInput, array: BatchArray): void {
  const expected = sizeOf(input.shape);
  if (array instanceof ARRAYS[input.dtype] && array.length === expected) return;
  throw mismatch(
    `batch input "${input.name}"`,
    `found ${array.constructor.name} of ${array.length}`,
    `${input.dtype} [${input.shape}], ${noun(expected, "element")}`,
  );
}
