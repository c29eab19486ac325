/** ONNX Runtime in Node: loaded on first use and silent. */
import type * as Ort from "onnxruntime-node";
import { type Fault, RunError } from "../base/errors.js";
import type { Tensor } from "../engine/graph/types.js";
import {
  furtherSettings,
  locationsOf,
  messageOf,
  type OnnxRuntime,
  type OpenOptions,
  openSessionOn,
  openTold,
  type Session,
  type SessionOptions,
} from "../engine/runtime/ort.js";

export { messageOf, type Session, type SessionOptions, type SessionValue } from "../engine/runtime/ort.js";

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
        {
          code: "package-missing",
          where: "onnxruntime-node",
          found: `it cannot be loaded on ${process.platform}/${process.arch} (${messageOf(cause)})`,
          expected: "Linux x64 or arm64, macOS arm64, or Windows",
          cure: "Install limbeck again with its dependencies, on one of these systems",
        },
        { cause },
      );
    },
  );
  return loading;
}

/** What is wrong where ONNX Runtime finds no graphics adapter, and what to do. */
export const NO_ADAPTER: Omit<Fault, "where"> = {
  code: "device-missing",
  found: "no graphics adapter was found for webgpu",
  expected: "on Linux: libvulkan.so.1 and a Vulkan driver for the card",
  cure: "Install the packages libvulkan1 and mesa-vulkan-drivers (or the vendor's driver), or use the device cpu",
};

/** Opens a native session. `source` is a file or the bytes of a model. */
export async function createNativeSession(
  source: Uint8Array | string,
  options: OpenOptions,
): Promise<Ort.InferenceSession> {
  const ort = await loadOnnxRuntime();
  const settings: Ort.InferenceSession.SessionOptions = {
    executionMode: "sequential",
    interOpNumThreads: 1,
    intraOpNumThreads: options.threads ?? 0,
    enableMemPattern: options.plannedMemory ?? true,
    ...furtherSettings(options),
    // Failures are thrown with the same text; ONNX Runtime would also print them in the middle of our output.
    logSeverityLevel: 4,
    ...locationsOf(options.onDevice),
    executionProviders: options.device === "webgpu" ? ["webgpu", "cpu"] : ["cpu"],
    ...(options.profile ? { enableProfiling: true, profileFilePrefix: options.profile } : {}),
  };
  try {
    // The two overloads of `create` take no union.
    return await openTold(source, options, () =>
      typeof source === "string"
        ? ort.InferenceSession.create(source, settings)
        : ort.InferenceSession.create(source, settings),
    );
  } catch (cause) {
    if (options.device === "webgpu" && /adapter|vulkan|dawn/i.test(messageOf(cause)))
      throw new RunError({ ...NO_ADAPTER, where: "device" }, { cause });
    throw cause;
  }
}

/** The native runtime as a value. */
export async function nodeRuntime(): Promise<OnnxRuntime> {
  const { Tensor } = await loadOnnxRuntime();
  return { Tensor, writesInPlace: true, open: createNativeSession };
}

/**
 * Opens a model for inference.
 * @param source an `.onnx` file (external data is found beside it) or its bytes
 * @throws RunError when ONNX Runtime refuses the model
 */
export async function openSession(source: Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
  return openSessionOn(await nodeRuntime(), source, options);
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
