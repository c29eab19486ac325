/** Ready code beside an exported model. */
import { join } from "node:path";
import { writeFileAtomic } from "../../node/atomic.js";
import type { Normalisation } from "../../engine/graph/samples.js";
import { isFloat, sizeOf } from "../../engine/graph/tensor.js";
import type { DType } from "../../engine/graph/types.js";

export interface SnippetOptions {
  /** Before the files' names; default none. */
  readonly prefix?: string;
  /** Of a raw export, whose caller normalises; null or absent: it is inside the model. */
  readonly normalisation?: Normalisation | null;
  /** Of the model's input; default float32. */
  readonly dtype?: DType;
  /** All inputs of the model, where it has several; each takes an array of one sample. */
  readonly inputs?: readonly SnippetInput[];
}

/** One of several inputs of a model. */
export interface SnippetInput {
  readonly name: string;
  readonly dtype: DType;
  /** Of one sample. */
  readonly shape: readonly number[];
}

/**
 * Writes use-in-node.mjs and use-in-browser.html.
 * @param model file name of the model in this folder
 * @returns the files
 */
export async function writeSnippets(
  directory: string,
  model: string,
  sampleShape: readonly number[],
  options: SnippetOptions = {},
): Promise<string[]> {
  const { prefix = "", dtype = "float32" } = options;
  // Token ids are never normalised.
  const normalisation = isFloat(dtype) ? (options.normalisation ?? null) : null;
  const node = join(directory, `${prefix}use-in-node.mjs`);
  const browser = join(directory, `${prefix}use-in-browser.html`);
  const { inputs = [] } = options;
  const several = inputs.length > 1;
  await writeFileAtomic(
    node,
    several ? severalInNode(model, inputs) : inNode(model, sampleShape, normalisation, dtype),
  );
  await writeFileAtomic(
    browser,
    several ? severalInBrowser(model, inputs) : inBrowser(model, sampleShape, normalisation, dtype),
  );
  return [node, browser];
}

function inNode(
  model: string,
  sampleShape: readonly number[],
  normalisation: Normalisation | null,
  dtype: DType,
): string {
  const values = normalisation ? "normalise(values)" : arrayFrom("values", dtype);
  return `// npm install onnxruntime-node
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";

const session = await ort.InferenceSession.create(fileURLToPath(new URL("./${model}", import.meta.url)));
${normaliser(normalisation, sampleShape, "")}
/** ${describeValues(normalisation, dtype)}. */
export async function classify(values) {
  const input = new ort.Tensor("${dtype}", ${values}, ${shapeOf(sampleShape)});
  const output = await session.run({ [session.inputNames[0]]: input });
  const logits = Array.from(output[session.outputNames[0]].data);
  return { logits, best: logits.indexOf(Math.max(...logits)) };
}

console.log(await classify(new Float32Array(${sampleShape.join(" * ")})));
`;
}

function inBrowser(
  model: string,
  sampleShape: readonly number[],
  normalisation: Normalisation | null,
  dtype: DType,
): string {
  const sample = `new Float32Array(${sampleShape.join(" * ")})`;
  const values = normalisation ? `normalise(${sample})` : dtype === "float32" ? sample : arrayFrom(sample, dtype);
  return `<!doctype html>
<meta charset="utf-8">
<title>${model}</title>
<!-- npm install onnxruntime-web, and serve its dist folder as ./ort/ -->
<pre id="out">...</pre>
<script type="module">
  import * as ort from "./ort/ort.wasm.min.mjs";
  ort.env.wasm.wasmPaths = new URL("./ort/", document.baseURI).href;
  const session = await ort.InferenceSession.create("./${model}");
${normaliser(normalisation, sampleShape, "  ")}  // ${describeValues(normalisation, dtype)}.
  const input = new ort.Tensor("${dtype}", ${values}, ${shapeOf(sampleShape)});
  const output = await session.run({ [session.inputNames[0]]: input });
  const logits = Array.from(output[session.outputNames[0]].data);
  document.getElementById("out").textContent = JSON.stringify({ best: logits.indexOf(Math.max(...logits)), logits });
</script>
`;
}

/** Code of a sample with zeros in every input. */
const emptySample = (inputs: readonly SnippetInput[]): string =>
  `{ ${inputs.map(({ name, shape }) => `${JSON.stringify(name)}: new Array(${sizeOf(shape)}).fill(0)`).join(", ")} }`;

/** Code that makes the feeds of a model with several inputs from arrays by name. */
const feedsFrom = (inputs: readonly SnippetInput[], indent: string): string =>
  inputs
    .map(
      ({ name, dtype, shape }) =>
        `${indent}${JSON.stringify(name)}: new ort.Tensor("${dtype}", ${arrayFrom(`arrays[${JSON.stringify(name)}]`, dtype)}, ${shapeOf(shape)}),`,
    )
    .join("\n");

function severalInNode(model: string, inputs: readonly SnippetInput[]): string {
  return `// npm install onnxruntime-node
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";

const session = await ort.InferenceSession.create(fileURLToPath(new URL("./${model}", import.meta.url)));

/** One array for each input, as in the training data. */
export async function classify(arrays) {
  const output = await session.run({
${feedsFrom(inputs, "    ")}
  });
  const logits = Array.from(output[session.outputNames[0]].data);
  return { logits, best: logits.indexOf(Math.max(...logits)) };
}

console.log(await classify(${emptySample(inputs)}));
`;
}

function severalInBrowser(model: string, inputs: readonly SnippetInput[]): string {
  return `<!doctype html>
<meta charset="utf-8">
<title>${model}</title>
<!-- npm install onnxruntime-web, and serve its dist folder as ./ort/ -->
<pre id="out">...</pre>
<script type="module">
  import * as ort from "./ort/ort.wasm.min.mjs";
  ort.env.wasm.wasmPaths = new URL("./ort/", document.baseURI).href;
  const session = await ort.InferenceSession.create("./${model}");
  // One array for each input, as in the training data.
  const arrays = ${emptySample(inputs)};
  const output = await session.run({
${feedsFrom(inputs, "    ")}
  });
  const logits = Array.from(output[session.outputNames[0]].data);
  document.getElementById("out").textContent = JSON.stringify({ best: logits.indexOf(Math.max(...logits)), logits });
</script>
`;
}

/** Code of a typed array of the model's element type. */
function arrayFrom(values: string, dtype: DType): string {
  if (dtype === "int64") return `BigInt64Array.from(${values}, (v) => BigInt(v))`;
  const arrays: Partial<Record<DType, string>> = { int32: "Int32Array", uint8: "Uint8Array" };
  return `${arrays[dtype] ?? "Float32Array"}.from(${values})`;
}

function describeValues(normalisation: Normalisation | null, dtype: DType): string {
  if (dtype === "int32" || dtype === "int64") return "Token ids of one sample, as in the training data";
  return `Raw values of one sample, as in the training data: ${normalisation ? "they are normalised here" : "the model normalises them"}`;
}

const shapeOf = (sampleShape: readonly number[]): string => `[1, ${sampleShape.join(", ")}]`;

/** Code of a function "normalise", for a model that has it not inside. */
function normaliser(n: Normalisation | null, sampleShape: readonly number[], indent: string): string {
  if (!n) return "";
  const plane = sizeOf(sampleShape.slice(1));
  const channel = plane === 1 ? "i" : `Math.floor(i / ${plane})`;
  const value = (values: readonly number[], name: string): string =>
    values.length === 1 ? String(values[0]) : `${name}[${channel}]`;
  const list = (values: readonly number[], name: string): string[] =>
    values.length < 2 ? [] : [`const ${name} = ${JSON.stringify(values)};`];
  // Missing values are NaN.
  const present = n.missing ? `(Number.isNaN(v) ? ${value(n.missing, "missing")} : v)` : "v";
  const formula = `(${present} * ${n.scale} - ${value(n.mean, "mean")}) / ${value(n.std, "std")}`;
  const lines = [
    ...list(n.missing ?? [], "missing"),
    ...list(n.mean, "mean"),
    ...list(n.std, "std"),
    `const normalise = (values) => Float32Array.from(values, (v, i) => ${formula});`,
  ];
  return lines.map((line) => `${indent}${line}\n`).join("");
}
