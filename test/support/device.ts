/** Whether WebGPU can be used in this process; scripts/test.js points it to a software driver where there is one. */
import { checkDevice } from "../../src/run/folder/device.js";

/** For a test's options: the reason to skip, or false. */
export const withoutDevice: string | false = await checkDevice("webgpu").then(
  () => false as const,
  (error: Error) => error.message,
);
