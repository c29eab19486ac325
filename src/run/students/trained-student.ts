/** A trained student wherever it runs. Nothing here is Node's. */

import { normaliseSamples } from "../../learn/data/normalise.js";
import { fillBatch } from "../../learn/data/read.js";
import { allocateSamples } from "../../learn/data/samples.js";
import type { DataSet } from "../../learn/data/types.js";
import type { Normalisation } from "../../engine/graph/samples.js";
import { isFloat, sizeOf, tensor } from "../../engine/graph/tensor.js";
import type { Session, SessionValue } from "../../engine/runtime/session-types.js";
import type { Prepared } from "./foreign.js";

export type OpenModel = (bytes: Uint8Array) => Promise<Session>;

const CHUNK = 512;

/** A trained student in memory: its exported model, ready to answer. */
export class TrainedStudent {
  readonly #bytes: Uint8Array;
  readonly #open: OpenModel;
  #session: Promise<Session> | undefined;

  constructor(
    bytes: Uint8Array,
    private readonly prepared: Pick<Prepared, "architecture" | "parameters" | "macs">,
    /** Class names by index. */
    readonly classes: readonly string[],
    /** Opens the model for answers. */
    open: OpenModel,
  ) {
    this.#bytes = bytes;
    this.#open = open;
  }

  /** One line: "mlp 64-10-10, relu". */
  get architecture(): string {
    return this.prepared.architecture;
  }

  /** Elements of all trained parameters. */
  get parameters(): number {
    return this.prepared.parameters;
  }

  /** Multiply-accumulates of one sample; null when unknown. */
  get macs(): number | null {
    return this.prepared.macs;
  }

  /** The `.onnx` file's bytes: plain inference, normalisation inside, free batch dimension. */
  get bytes(): Uint8Array {
    return this.#bytes.slice();
  }

  /**
   * Answers for samples of a data set.
   * @param indices which; default all
   * @returns logits [samples, classes]
   */
  async predict(data: DataSet, indices?: Uint32Array): Promise<Float32Array> {
    const wanted = indices ?? Uint32Array.from({ length: data.size }, (_, i) => i);
    this.#session ??= this.#open(this.#bytes);
    return answers(await this.#session, data, wanted);
  }

  /** Frees the session. */
  async dispose(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await (await session)?.dispose();
  }
}

/**
 * Outputs of an exported model for samples of a data set [indices.length, classes].
 * @param expects applied to the samples first, for a model exported raw; null: it takes them as they are
 */
export async function answers(
  session: Session,
  data: DataSet,
  indices: Uint32Array,
  expects: Normalisation | null = null,
): Promise<Float32Array> {
  const size = sizeOf(data.sampleShape);
  const [input, output] = [session.inputs[0] as SessionValue, session.outputs[0]?.name as string];
  let out = new Float32Array(0);
  for (let from = 0; from < indices.length; from += CHUNK) {
    const part = indices.subarray(from, from + CHUNK);
    const samples = allocateSamples(data.samples, part.length * size);
    fillBatch(data, part, samples);
    const shape = [part.length, ...data.sampleShape];
    const fed = expects && isFloat(input.dtype) ? normaliseSamples(samples, expects, data.sampleShape) : samples;
    const result = await session.run({ [input.name]: tensor(input.dtype, fed, shape) });
    const values = result[output]?.data as Float32Array;
    if (from === 0) out = new Float32Array((values.length / part.length) * indices.length);
    out.set(values, (from * values.length) / part.length);
  }
  return out;
}
