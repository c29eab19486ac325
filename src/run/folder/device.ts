/** Whether a device is there, before anything is begun on it. */
import { faultOf, InputError } from "../../base/errors.js";
import { writeModel } from "../../engine/graph/write.js";
import { createNativeSession, messageOf } from "../../node/session.js";

/**
 * Opens a one-node model on the device.
 * @throws InputError when the device cannot be used, with ONNX Runtime's reason
 */
export async function checkDevice(device: "cpu" | "webgpu"): Promise<void> {
  if (device === "cpu") return;
  try {
    await (await createNativeSession(tiny(), { device, threads: 1 })).release();
  } catch (cause) {
    const [why = ""] = messageOf(cause).split("\n");
    const fault = faultOf(cause) ?? { code: "device-missing", found: why, cure: "Use the device cpu" };
    throw new InputError({ ...fault, where: "--device" }, { cause });
  }
}

/** y = max(x, 0). */
function tiny(): Uint8Array {
  const value = (name: string) => ({ name, dtype: "float32" as const, shape: [1] });
  const node = { name: "relu", op: "Relu", domain: "", inputs: ["x"], outputs: ["y"], attributes: {} };
  return writeModel({
    graph: { name: "probe", inputs: [value("x")], outputs: [value("y")], nodes: [node], initializers: new Map() },
    opsets: { "": 14 },
    irVersion: 7,
    metadata: {},
  });
}
