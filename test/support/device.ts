/** Whether WebGPU can be used in this process; scripts/tests/run.js points it to a software driver where there is one. */
import { after } from "node:test";
import { asModel } from "../../src/engine/compile/compile.js";
import { writeModel } from "../../src/engine/graph/write.js";
import { createBuilder } from "../../src/engine/ops/registry.js";
import { createNativeSession } from "../../src/node/session.js";
import { checkDevice } from "../../src/run/folder/device.js";

/** For a test's options: the reason to skip, or false. */
export const withoutDevice: string | false = await checkDevice("webgpu").then(
  () => false as const,
  (error: Error) => error.message,
);

// While one session is open, the device stays, and with it what was compiled for it: a software driver takes seconds to compile
// the shaders of a training step, and every test would wait for the same ones again.
if (withoutDevice === false) {
  const b = createBuilder("kept");
  b.output(b.op("Relu", [b.input("x", "float32", [1])]), "y");
  const kept = await createNativeSession(writeModel(asModel(b.build())), { device: "webgpu", threads: 1 });
  after(() => kept.release());
}
