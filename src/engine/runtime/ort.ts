/**
 * ONNX Runtime as the rest sees it: onnxruntime-node and onnxruntime-web share one interface, so whatever trains or answers
 * here takes the runtime as a value and does not know where it runs. Nothing in this file is Node's.
 */
import type * as Ort from "onnxruntime-node";
import { debug, since } from "../../base/debug.js";
import { InputError } from "../../base/errors.js";
import type { DType, Tensor } from "../graph/types.js";
import { noun } from "../../base/noun.js";
import { quote } from "../../base/quote.js";
import { engineFailed, mismatch } from "./faults.js";
import type { Session, SessionOptions, SessionValue } from "./session-types.js";

export { messageOf } from "./faults.js";
export type { Session, SessionOptions, SessionValue } from "./session-types.js";

export interface OpenOptions extends SessionOptions {
  /** Names of outputs that shall stay in the device's memory instead of coming back as arrays. */
  readonly onDevice?: readonly string[];
  /**
   * False: every run asks the allocator for each tensor. ONNX Runtime otherwise plans one block for all of them after the first
   * run, beside the memory of that run: a training step then takes nearly twice what it needs. Default true.
   */
  readonly plannedMemory?: boolean;
  /** True: what is computed twice stays so. ONNX Runtime otherwise computes it once and keeps it. Default false. */
  readonly repeats?: boolean;
}

/** Settings of ONNX Runtime that have no name of their own. */
export function furtherSettings({ repeats }: OpenOptions): { extra?: Record<string, unknown> } {
  return repeats ? { extra: { optimization: { disable_specified_optimizers: "CommonSubexpressionElimination" } } } : {};
}

/** An ONNX Runtime, loaded and quiet. */
export interface OnnxRuntime {
  readonly Tensor: typeof Ort.Tensor;
  /** True when outputs are written into the arrays given for them; else they come as arrays of their own. */
  readonly writesInPlace: boolean;
  /** Opens a session. A path is for Node only. @throws whatever ONNX Runtime throws */
  open(source: Uint8Array | string, options: OpenOptions): Promise<Ort.InferenceSession>;
}

/**
 * Opens a model for inference.
 * @param source an `.onnx` file (external data is found beside it; Node only) or its bytes
 * @throws RunError when ONNX Runtime refuses the model
 */
export async function openSessionOn(
  runtime: OnnxRuntime,
  source: Uint8Array | string,
  options: SessionOptions = {},
): Promise<Session> {
  let native: Ort.InferenceSession;
  try {
    native = await runtime.open(source, options);
  } catch (cause) {
    throw engineFailed(typeof source === "string" ? source : "model", "ONNX Runtime cannot load it", cause);
  }
  const inputs = native.inputMetadata.map(describeValue);
  const outputs = native.outputMetadata.map(describeValue);
  let released: Promise<void> | undefined;
  return {
    inputs,
    outputs,
    async run(feeds, wanted) {
      if (released) throw mismatch("session", "it is disposed");
      checkFeeds(inputs, feeds);
      const natives: Record<string, Ort.Tensor> = {};
      for (const [name, tensor] of Object.entries(feeds)) natives[name] = toNative(runtime, tensor);
      let results: Ort.InferenceSession.OnnxValueMapType;
      try {
        results = await (wanted ? native.run(natives, wanted) : native.run(natives));
      } catch (cause) {
        throw engineFailed(typeof source === "string" ? source : "model", "ONNX Runtime could not run it", cause);
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

/** Opens a session, and says so under the debug scope "session". */
export async function openTold<T extends Ort.InferenceSession>(
  source: Uint8Array | string,
  { device = "cpu", threads = 0 }: OpenOptions,
  open: () => Promise<T>,
): Promise<T> {
  const started = performance.now();
  const session = await open();
  debug("session")?.(
    `opened ${typeof source === "string" ? source : `${source.length.toLocaleString("en-US")} bytes`} in ${since(started)}: device ${device}, threads ${threads || "auto"}, ${noun(session.inputNames.length, "input")}, ${noun(session.outputNames.length, "output")}`,
  );
  return session;
}

/** Where outputs go: "gpu-buffer" stays on the device. */
export function locationsOf(
  onDevice: readonly string[] | undefined,
): Pick<Ort.InferenceSession.SessionOptions, "preferredOutputLocation"> {
  if (!onDevice || onDevice.length === 0) return {};
  return { preferredOutputLocation: Object.fromEntries(onDevice.map((name) => [name, "gpu-buffer" as const])) };
}

function describeValue(meta: Ort.InferenceSession.ValueMetadata): SessionValue {
  if (!meta.isTensor)
    throw new InputError({
      code: "model-unsupported",
      where: "model",
      found: `its input or output ${quote(meta.name)} is a sequence or map`,
      expected: "tensors",
      cure: "Export the model with tensors (of scikit-learn: with zipmap off)",
    });
  return { name: meta.name, dtype: meta.type as DType, shape: meta.shape };
}

/** ONNX Runtime ignores unknown feeds in silence and reports others without saying what was expected. */
function checkFeeds(inputs: readonly SessionValue[], feeds: Readonly<Record<string, Tensor>>): void {
  for (const name of Object.keys(feeds)) {
    if (inputs.some((i) => i.name === name)) continue;
    throw mismatch("model", `it has no input "${name}"`, `one of ${inputs.map((i) => `"${i.name}"`).join(", ")}`);
  }
  for (const { name, dtype, shape } of inputs) {
    const fed = feeds[name];
    if (!fed) throw mismatch("model", `its input "${name}" is not fed`, `${dtype} [${shape.join(",")}]`);
    if (fed.dtype !== dtype) throw mismatch("model", `its input "${name}" was fed ${fed.dtype}`, dtype);
  }
}

function toNative(runtime: OnnxRuntime, tensor: Tensor): Ort.Tensor {
  // Where JavaScript has a Float16Array, ONNX Runtime's Tensor makes one of our bit patterns, which its binding for Node then
  // takes for an empty array. As uint16 the bits stay a Uint16Array, and the type is said afterwards.
  if (tensor.dtype === "float16")
    return Object.assign(new runtime.Tensor("uint16", tensor.data as Uint16Array, tensor.shape), { type: "float16" });
  // The constructor's overloads pair each type with its array; our Tensor already guarantees the pair.
  return new runtime.Tensor(tensor.dtype as "float32", tensor.data as Float32Array, tensor.shape);
}

function fromNative(value: Ort.Tensor): Tensor {
  const dtype = value.type as DType;
  const data = value.data as Tensor["data"];
  // Newer JavaScript engines have a Float16Array; our float16 is its bit patterns.
  const bits = dtype === "float16" && ArrayBuffer.isView(data) && !(data instanceof Uint16Array);
  return { dtype, shape: value.dims, data: bits ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data };
}
