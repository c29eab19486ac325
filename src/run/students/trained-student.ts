/** A trained student wherever it runs. Nothing here is Node's. */

import { normaliseSamples } from "../../learn/data/normalise.js";
import { arraysOf, namedArrays, readArrays } from "../../learn/data/arrays.js";
import { fillPorts } from "../../learn/data/ports.js";
import type { DataSet, NamedSamples } from "../../learn/data/types.js";
import type { Normalisation, SampleArray } from "../../engine/graph/samples.js";
import { isFloat, tensor } from "../../engine/graph/tensor.js";
import type { Tensor } from "../../engine/graph/types.js";
import type { Session } from "../../engine/runtime/session-types.js";
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
  const output = session.outputs[0]?.name as string;
  let out = new Float32Array(0);
  for (let from = 0; from < indices.length; from += CHUNK) {
    const part = indices.subarray(from, from + CHUNK);
    const result = await session.run(feedsOf(session, data, part, expects));
    const values = result[output]?.data as Float32Array;
    if (from === 0) out = new Float32Array((values.length / part.length) * indices.length);
    out.set(values, (from * values.length) / part.length);
  }
  return out;
}

/** What an exported model is fed for these samples. */
function feedsOf(
  session: Session,
  given: DataSet,
  indices: Uint32Array,
  expects: Normalisation | null,
): Record<string, Tensor> {
  const ports = session.inputs.map(({ name, dtype }) => ({ name, dtype }));
  const several = ports.length > 1 || given.others !== undefined;
  const options = { where: "student", field: "student.inputs" };
  const { data, reads } = several && hasArrays(given, ports) ? fillPorts(given, ports, options) : { data: given };
  const arrays = namedArrays(data, reads);
  const values = readArrays(data, indices, reads);
  return Object.fromEntries(
    session.inputs.map(({ name, dtype }, i) => {
      const { sampleShape, samples } = arrays[i] as NamedSamples;
      const raw = values[i] as SampleArray;
      const main = samples === data.samples;
      const fed = expects && main && isFloat(dtype) ? normaliseSamples(raw, expects, sampleShape) : raw;
      return [name, tensor(dtype, fed, [indices.length, ...sampleShape])];
    }),
  );
}

/** A model that limbeck built has one input of its own name, which reads the main array. */
const hasArrays = (data: DataSet, ports: readonly { readonly name: string }[]): boolean =>
  ports.length > 1 || arraysOf(data).some((a) => a.name === ports[0]?.name);
