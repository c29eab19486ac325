// Assembles src/engine/runtime/kernels.wat into src/engine/runtime/kernel-bytes.ts. Run it after editing the .wat file; the result is
// committed, so that users need no toolchain. `--check` only says whether the two agree (a test runs it).
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import openWabt from "wabt";

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), "src", "engine", "runtime");
const target = join(folder, "kernel-bytes.ts");
const wabt = await openWabt();
const parsed = wabt.parseWat("kernels.wat", readFileSync(join(folder, "kernels.wat"), "utf8"), {
  simd: true,
  bulk_memory: true,
});
parsed.validate();
const { buffer } = parsed.toBinary({});
parsed.destroy();

const lines =
  Buffer.from(buffer)
    .toString("base64")
    .match(/.{1,110}/g) ?? [];
const text = `/** Generated from kernels.wat by scripts/build-kernels.js: never edit it by hand. */
export const KERNEL_BYTES =
${lines.map((line) => `  "${line}"`).join(" +\n")};
`;
if (process.argv.includes("--check")) {
  if (readFileSync(target, "utf8") !== text) {
    console.error(
      "src/engine/runtime/kernel-bytes.ts is not what kernels.wat gives: run node scripts/build-kernels.js",
    );
    process.exit(1);
  }
} else {
  writeFileSync(target, text);
  console.log(`kernels: ${buffer.length} bytes of WebAssembly`);
}
