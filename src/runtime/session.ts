/** ONNX Runtime sessions in Node: loaded on first use, silent, with names and types checked on our side. */
import type * as Ort from "onnxruntime-node";
import { RunError } from "../errors.js";
import type { DType, Tensor } from "../graph/types.js";

export interface SessionOptions {
  /** Intra-op threads; 0 (default) lets ONNX Runtime choose. */
  readonly threads?: number;
  /** Default "cpu". "webgpu" falls back to the CPU for what it lacks. */
  readonly device?: "cpu" | "webgpu";
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

let loading: Promise<typeof Ort> | undefined;

/** The binding, loaded on first use and told to keep quiet. */
export function loadOnnxRuntime(): Promise<typeof Ort> {
  loading ??= import("onnxruntime-node").then(
    (ort) => {
      ort.env.logLevel = "error";
      return ort;
    },
    (cause: unknown) => {
      loading = undefined;
      throw new RunError(
        `onnxruntime-node cannot be loaded on ${process.platform}/${process.arch} (${messageOf(cause)}); it has binaries for Linux x64 and arm64, macOS arm64 and Windows`,
        { cause },
      );
    },
  );
  return loading;
}

/** Opens a native session. `source` is a file or the bytes of a model. */
export async function createNativeSession(
  source: Uint8Array | string,
  options: SessionOptions,
): Promise<Ort.InferenceSession> {
  const ort = await loadOnnxRuntime();
  const settings: Ort.InferenceSession.SessionOptions = {
    executionMode: "sequential",
    interOpNumThreads: 1,
    intraOpNumThreads: options.threads ?? 0,
    // Failures are thrown with the same text; ONNX Runtime would also print them in the middle of our output.
    logSeverityLevel: 4,
    executionProviders: options.device === "webgpu" ? ["webgpu", "cpu"] : ["cpu"],
  };
  // The two overloads of `create` take no union.
  return typeof source === "string"
    ? await ort.InferenceSession.create(source, settings)
    : await ort.InferenceSession.create(source, settings);
}

/**
 * Opens a model for inference.
 * @param source an `.onnx` file (external data is found beside it) or its bytes
 * @throws RunError when ONNX Runtime refuses the model
 */
export async function openSession(source: Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
  const ort = await loadOnnxRuntime();
  let native: Ort.InferenceSession;
  try {
    native = await createNativeSession(source, options);
  } catch (cause) {
    const what = typeof source === "string" ? source : "the model";
    throw new RunError(`ONNX Runtime cannot load ${what}: ${messageOf(cause)}`, { cause });
  }
  const inputs = native.inputMetadata.map(describeValue);
  const outputs = native.outputMetadata.map(describeValue);
  let released: Promise<void> | undefined;
  return {
    inputs,
    outputs,
    async run(feeds, wanted) {
      if (released) throw new RunError("the session is disposed");
      checkFeeds(inputs, feeds);
      const natives: Record<string, Ort.Tensor> = {};
      for (const [name, tensor] of Object.entries(feeds)) natives[name] = toNative(ort, tensor);
      let results: Ort.InferenceSession.OnnxValueMapType;
      try {
        results = await (wanted ? native.run(natives, wanted) : native.run(natives));
      } catch (cause) {
        throw new RunError(`ONNX Runtime could not run the model: ${messageOf(cause)}`, { cause });
      }
      return Object.fromEntries(
        Object.entries(results).map(([name, value]) => [name, fromNative(value as Ort.Tensor)]),
      );
    },
    dispose() {
      released ??= native.release();
      return released;
    },
  };
}

/** Opens a model, runs it once and frees it. */
export async function runOnce(
  source: Uint8Array | string,
  feeds: Readonly<Record<string, Tensor>>,
  options: SessionOptions = {},
): Promise<Record<string, Tensor>> {
  const session = await openSession(source, options);
  try {
    return await session.run(feeds);
  } finally {
    await session.dispose();
  }
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function describeValue(meta: Ort.InferenceSession.ValueMetadata): SessionValue {
  if (!meta.isTensor)
    throw new RunError(`the model's "${meta.name}" is not a tensor (a sequence or map); limbeck cannot use it`);
  return { name: meta.name, dtype: meta.type as DType, shape: meta.shape };
}

/** ONNX Runtime ignores unknown feeds in silence and reports others without saying what was expected. */
function checkFeeds(inputs: readonly SessionValue[], feeds: Readonly<Record<string, Tensor>>): void {
  for (const name of Object.keys(feeds)) {
    if (inputs.some((i) => i.name === name)) continue;
    throw new RunError(`the model has no input "${name}"; it has ${inputs.map((i) => `"${i.name}"`).join(", ")}`);
  }
  for (const { name, dtype, shape } of inputs) {
    const fed = feeds[name];
    if (!fed) throw new RunError(`the model's input "${name}" (${dtype} [${shape.join(",")}]) is not fed`);
    if (fed.dtype !== dtype) throw new RunError(`the model's input "${name}" is ${dtype}, but was fed ${fed.dtype}`);
  }
}

function toNative(ort: typeof Ort, tensor: Tensor): Ort.Tensor {
  // The constructor's overloads pair each type with its array; our Tensor already guarantees the pair.
  return new ort.Tensor(tensor.dtype as "float32", tensor.data as Float32Array, tensor.shape);
}

function fromNative(value: Ort.Tensor): Tensor {
  const dtype = value.type as DType;
  const data = value.data as Tensor["data"];
  // Newer JavaScript engines have a Float16Array; our float16 is its bit patterns.
  const bits = dtype === "float16" && ArrayBuffer.isView(data) && !(data instanceof Uint16Array);
  return { dtype, shape: value.dims, data: bits ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data };
}
