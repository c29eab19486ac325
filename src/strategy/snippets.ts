/** Ready code beside the exported student. */
import { join } from "node:path";
import { writeFileAtomic } from "../atomic.js";

/** Writes use-in-node.mjs and use-in-browser.html. */
export async function writeSnippets(directory: string, model: string, sampleShape: readonly number[]): Promise<void> {
  const shape = `[1, ${sampleShape.join(", ")}]`;
  const size = sampleShape.join(" * ");
  const node = `// npm install onnxruntime-node
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";

const session = await ort.InferenceSession.create(fileURLToPath(new URL("./${model}", import.meta.url)));

/** Raw values of one sample, as in the training data: normalisation is inside the model. */
export async function classify(values) {
  const input = new ort.Tensor("float32", Float32Array.from(values), ${shape});
  const output = await session.run({ [session.inputNames[0]]: input });
  const logits = Array.from(output[session.outputNames[0]].data);
  return { logits, best: logits.indexOf(Math.max(...logits)) };
}

console.log(await classify(new Float32Array(${size})));
`;
  const browser = `<!doctype html>
<meta charset="utf-8">
<title>${model}</title>
<!-- npm install onnxruntime-web, and serve its dist folder as ./ort/ -->
<pre id="out">...</pre>
<script type="module">
  import * as ort from "./ort/ort.wasm.min.mjs";
  ort.env.wasm.wasmPaths = "./ort/";
  const session = await ort.InferenceSession.create("./${model}");
  // Raw values of one sample, as in the training data: normalisation is inside the model.
  const input = new ort.Tensor("float32", new Float32Array(${size}), ${shape});
  const output = await session.run({ [session.inputNames[0]]: input });
  const logits = Array.from(output[session.outputNames[0]].data);
  document.getElementById("out").textContent = JSON.stringify({ best: logits.indexOf(Math.max(...logits)), logits });
</script>
`;
  await writeFileAtomic(join(directory, "use-in-node.mjs"), node);
  await writeFileAtomic(join(directory, "use-in-browser.html"), browser);
}
