/** Forward passes with the arena's current state. */
import type * as Ort from "onnxruntime-node";
import { sizeOf } from "../graph/tensor.js";
import { noun } from "../../base/noun.js";
import { engineFailed, mismatch } from "./faults.js";
import type { OnnxRuntime } from "./ort.js";
import type { BatchArray, BatchInput, ExecutorConfig } from "./types.js";

/** Samples a call: enough to fill the threads, small enough for the activations of a big student. */
const CHUNK = 256;

export class Evaluator {
  #session: Promise<Ort.InferenceSession> | undefined;
  readonly #feeds: Record<string, Ort.Tensor> = {};

  constructor(
    private readonly runtime: OnnxRuntime,
    private readonly config: ExecutorConfig,
    /** A parameter or buffer as it is now; undefined when there is none of that name. */
    private readonly stateOf: (name: string, shape: readonly number[]) => Ort.Tensor | undefined,
  ) {}

  /** Outputs [count, ...] for an array [count, ...shape] of each input; the session is opened on first use. */
  async run(samples: readonly BatchArray[], count: number): Promise<Float32Array> {
    const { inputs, output } = this.config.evaluation;
    checkSamples(inputs, samples, count);
    this.#session ??= this.#open().catch((error: unknown) => {
      this.#session = undefined;
      throw error;
    });
    const session = await this.#session;
    this.#bind(session);
    let outputs = new Float32Array(0);
    for (let from = 0; from < count; from += CHUNK) {
      const rows = Math.min(CHUNK, count - from);
      for (const [i, { name, dtype, shape }] of inputs.entries()) {
        const size = sizeOf(shape);
        const part = samples[i]?.subarray(from * size, (from + rows) * size) as Float32Array;
        this.#feeds[name] = new this.runtime.Tensor(dtype as "float32", part, [rows, ...shape]);
      }
      const result = await this.#call(session, output);
      if (result.length % rows !== 0)
        throw mismatch(
          "evaluation",
          `the output "${output}" has ${noun(result.length, "value")} for ${noun(rows, "sample")}`,
        );
      if (from === 0) outputs = new Float32Array((result.length / rows) * count);
      outputs.set(result, (result.length / rows) * from);
    }
    return outputs;
  }

  async dispose(): Promise<void> {
    await (await this.#session)?.release();
  }

  async #call(session: Ort.InferenceSession, output: string): Promise<Float32Array> {
    try {
      return (await session.run(this.#feeds, [output]))[output]?.data as Float32Array;
    } catch (cause) {
      throw engineFailed("evaluation", "the graph failed", cause);
    }
  }

  async #open(): Promise<Ort.InferenceSession> {
    const { graph, inputs, output, state } = this.config.evaluation;
    let session: Ort.InferenceSession;
    try {
      session = await this.runtime.open(graph, { device: this.config.device, threads: this.config.threads });
    } catch (cause) {
      throw engineFailed("evaluation graph", "ONNX Runtime cannot load it", cause);
    }
    this.#bind(session);
    const names = [...session.inputNames, ...session.outputNames];
    const missing = [...inputs.map((i) => i.name), output, ...state].find((name) => !names.includes(name));
    if (missing !== undefined) throw mismatch("evaluation graph", `it has no input or output "${missing}"`);
    return session;
  }

  /** Feeds the state as it is now. */
  #bind(session: Ort.InferenceSession): void {
    const { inputs, state } = this.config.evaluation;
    for (const meta of session.inputMetadata) {
      if (inputs.some((i) => i.name === meta.name)) continue;
      const known = meta.isTensor && state.includes(meta.name);
      const tensor = known ? this.stateOf(meta.name, meta.shape.map(Number)) : undefined;
      if (!tensor)
        throw mismatch("evaluation graph", `it has an input "${meta.name}" that is not in the training state`);
      this.#feeds[meta.name] = tensor;
    }
  }
}

/** @throws RunError when an input has no array, or one of another length */
function checkSamples(inputs: readonly BatchInput[], samples: readonly BatchArray[], count: number): void {
  for (const [i, { name, shape }] of inputs.entries()) {
    const [given, wanted] = [samples[i]?.length ?? 0, count * sizeOf(shape)];
    if (given === wanted) continue;
    throw mismatch(
      "evaluation",
      `the input "${name}" was given ${noun(given, "value")}`,
      `${wanted}, which are ${noun(count, "sample")} of [${shape}]`,
    );
  }
}
