/** The engine for a device: the arena and its kernels on the CPU, state on the device elsewhere. */
import { DeviceCore } from "./device-core.js";
import type { OnnxRuntime } from "./ort.js";
import type { ExecutorConfig, ExecutorState } from "./types.js";
import { TrainingCore } from "./worker-core.js";

export type Core = TrainingCore | DeviceCore;

/** @throws RunError when the graphs do not load, or programs and state do not fit each other */
export function createCore(runtime: OnnxRuntime, config: ExecutorConfig, initial: ExecutorState): Promise<Core> {
  return config.device === "cpu"
    ? TrainingCore.create(runtime, config, initial)
    : DeviceCore.create(runtime, config, initial);
}
