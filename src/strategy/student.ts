/** A trained student in memory: its exported model, ready to answer and to be saved. */
import { writeFileAtomic } from "../atomic.js";
import { fillBatch } from "../data/loader.js";
import { normaliseSamples } from "../data/normalise.js";
import type { DataSet, Normalisation } from "../data/types.js";
import { sizeOf } from "../graph/tensor.js";
import { openSession, type Session } from "../runtime/session.js";
import type { Prepared } from "./prepare.js";

const CHUNK = 512;

export class Student {
  readonly #bytes: Uint8Array;
  readonly #threads: number;
  #session: Promise<Session> | undefined;

  constructor(
    bytes: Uint8Array,
    private readonly prepared: Pick<Prepared, "architecture" | "parameters" | "macs">,
    /** Class names by index. */
    readonly classes: readonly string[],
    threads: number,
  ) {
    this.#bytes = bytes;
    this.#threads = threads;
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

  /** Writes the `.onnx` file; nothing half-written is ever left under this name. */
  async save(path: string): Promise<void> {
    await writeFileAtomic(path, this.#bytes);
  }

  /**
   * Answers for samples of a data set.
   * @param indices which; default all
   * @returns logits [samples, classes]
   */
  async predict(data: DataSet, indices?: Uint32Array): Promise<Float32Array> {
    const wanted = indices ?? Uint32Array.from({ length: data.size }, (_, i) => i);
    this.#session ??= openSession(this.#bytes, { threads: this.#threads });
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
  const [input, output] = [session.inputs[0]?.name as string, session.outputs[0]?.name as string];
  let out = new Float32Array(0);
  for (let from = 0; from < indices.length; from += CHUNK) {
    const part = indices.subarray(from, from + CHUNK);
    const samples = new Float32Array(part.length * size);
    fillBatch(data, part, samples);
    const shape = [part.length, ...data.sampleShape];
    const fed = expects ? normaliseSamples(samples, expects, data.sampleShape) : samples;
    const result = await session.run({ [input]: { dtype: "float32", shape, data: fed } });
    const values = result[output]?.data as Float32Array;
    if (from === 0) out = new Float32Array((values.length / part.length) * indices.length);
    out.set(values, (from * values.length) / part.length);
  }
  return out;
}
