/** ONNX Runtime in the browser: onnxruntime-web, loaded on first use, in wasm or on WebGPU. */
import type * as Ort from "onnxruntime-web";
import { RunError } from "../../base/errors.js";
import { furtherSettings, locationsOf, messageOf, type OnnxRuntime, type OpenOptions, openTold } from "./ort.js";
import type { WebModule } from "./web-module.js";

/** The module as limbeck uses it. */
type Module = Pick<typeof Ort, "InferenceSession" | "Tensor" | "env">;

export interface WebRuntimeOptions {
  /** A module loaded by the caller; default: imported when it is needed. */
  readonly ort?: WebModule;
  readonly device: "cpu" | "webgpu";
  /** Threads of wasm; 0 lets ONNX Runtime choose. More than one needs a cross-origin isolated page. */
  readonly threads: number;
}

/**
 * onnxruntime-web as a value. Threads count for the whole page: the first use decides.
 * @throws RunError when the module cannot be imported
 */
export async function webRuntime(options: WebRuntimeOptions): Promise<OnnxRuntime> {
  const ort = (options.ort ?? (await load(options.device))) as Module;
  ort.env.logLevel = "error";
  if (options.threads > 0) ort.env.wasm.numThreads = options.threads;
  return {
    Tensor: ort.Tensor as OnnxRuntime["Tensor"],
    // The heap of onnxruntime-web is its own: results are copied out of it.
    writesInPlace: false,
    open: (source, open) => create(ort, source, open),
  };
}

async function load(device: "cpu" | "webgpu"): Promise<WebModule> {
  const name = device === "webgpu" ? "onnxruntime-web/webgpu" : "onnxruntime-web/wasm";
  try {
    // Literal names, so that bundlers see them.
    return device === "webgpu" ? await import("onnxruntime-web/webgpu") : await import("onnxruntime-web/wasm");
  } catch (cause) {
    throw new RunError(
      {
        code: "package-missing",
        where: name,
        found: `it cannot be loaded (${messageOf(cause)})`,
        expected: "onnxruntime-web 1.30",
        cure: "Install it beside limbeck, map the name in the page's import map, or give the module as `ort`",
      },
      { cause },
    );
  }
}

async function create(
  ort: Module,
  source: Uint8Array | string,
  options: OpenOptions,
): Promise<Awaited<ReturnType<OnnxRuntime["open"]>>> {
  if (typeof source === "string")
    throw new RunError({
      code: "file-unreadable",
      where: source,
      found: "a browser cannot open files",
      cure: "Give the bytes of the file",
    });
  const settings: Ort.InferenceSession.SessionOptions = {
    executionMode: "sequential",
    enableMemPattern: options.plannedMemory ?? true,
    ...furtherSettings(options),
    logSeverityLevel: 4,
    ...locationsOf(options.onDevice),
    executionProviders: options.device === "webgpu" ? ["webgpu", "wasm"] : ["wasm"],
  };
  const session = await inTurn(ort, () =>
    openTold(source, options, () => ort.InferenceSession.create(source, settings)),
  );
  const [run, release] = [session.run.bind(session), session.release.bind(session)] as [
    typeof session.run,
    () => Promise<void>,
  ];
  session.run = (...given: unknown[]) =>
    inTurn(ort, () => (run as (...all: unknown[]) => ReturnType<typeof run>)(...given));
  session.release = () => inTurn(ort, release);
  return session;
}

/** What each module is doing. */
const busy = new WeakMap<Module, Promise<unknown>>();

/** onnxruntime-web is not reentrant: a call that begins while another one waits spoils its memory. So one at a time. */
function inTurn<T>(ort: Module, work: () => Promise<T>): Promise<T> {
  const result = (busy.get(ort) ?? Promise.resolve()).then(work);
  busy.set(
    ort,
    result.catch(() => undefined),
  );
  return result;
}
