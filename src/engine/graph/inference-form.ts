/** Models that were exported in training mode, brought to inference form; and operators whose results are drawn at random. */
import { InputError } from "../../base/errors.js";
import { noun } from "../../base/noun.js";
import { readInt } from "./attributes.js";
import type { Attributes, Graph, Model, Node, Tensor } from "./types.js";

/** What was in training form, and what is random in inference form too. */
export interface FormFindings {
  /** Batch norms that used the statistics of the batch; now they use their running statistics. */
  readonly batchNorms: number;
  /** How many of these have running statistics that nobody measured: every mean 0, every variance 1. */
  readonly fresh: number;
  /** Dropouts that dropped values; now they pass all of them. */
  readonly dropouts: number;
  /** Operators that draw random numbers, by name, with their number. */
  readonly random: ReadonlyMap<string, number>;
}

export interface InferenceForm extends FormFindings {
  /** The model that was given where nothing had to be changed. */
  readonly model: Model;
}

/** From here on an attribute says the mode of a batch norm; before, its number of outputs did. */
const MODE_IS_ATTRIBUTE = 14;
/** Before, ONNX Runtime's Dropout passes everything. */
const DROPOUT_HAS_MODE = 12;

const RANDOM = new Set([
  ...["RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"],
  ...["Multinomial", "Bernoulli"],
]);

/** What inner graphs see of those around them. */
interface Surroundings {
  readonly where: string;
  readonly opset: number;
  /** How often a value is read, in the whole model; graph outputs count. */
  readonly reads: ReadonlyMap<string, number>;
  readonly constants: ReadonlyMap<string, Tensor>;
}

/** Counted while the graphs are rewritten. */
interface Counts {
  batchNorms: number;
  fresh: number;
  dropouts: number;
  readonly random: Map<string, number>;
}

/**
 * The model with every batch norm and dropout in inference form, those of inner graphs included. A graph input that only said
 * "training" to dropouts goes.
 * @param where names the model in errors
 * @throws InputError when something reads the statistics that only the training form gives
 */
export function inferenceForm(model: Model, where: string): InferenceForm {
  const counts: Counts = { batchNorms: 0, fresh: 0, dropouts: 0, random: new Map() };
  const opset = model.opsets[""] ?? MODE_IS_ATTRIBUTE;
  const around = { where, opset, reads: countReads(model.graph), constants: new Map<string, Tensor>() };
  const graph = rewriteGraph(model.graph, around, counts);
  for (const { name, nodes } of model.functions ?? []) checkFunction(name, nodes, around, counts);
  if (counts.batchNorms + counts.dropouts === 0) return { ...counts, model };
  return { ...counts, model: { ...model, graph: withoutUnreadInputs(graph, model.graph) } };
}

/** Sentences about what was changed, for people. */
export function inferenceNotes({ batchNorms, fresh, dropouts }: FormFindings): string[] {
  const notes: string[] = [];
  if (batchNorms > 0)
    notes.push(
      `${noun(batchNorms, "BatchNormalization layer")} ${batchNorms === 1 ? "was" : "were"} exported in training mode; limbeck runs ${batchNorms === 1 ? "it" : "them"} in inference mode, with the running statistics of the file`,
    );
  if (dropouts > 0)
    notes.push(
      `${noun(dropouts, "Dropout layer")} ${dropouts === 1 ? "was" : "were"} exported in training mode; limbeck runs ${dropouts === 1 ? "it" : "them"} in inference mode, where nothing is dropped`,
    );
  if (fresh > 0)
    notes.push(
      `${fresh === batchNorms ? "their" : `${fresh} of their`} running statistics are those of an untrained layer (mean 0, variance 1); if the model was trained, export it again with model.eval()`,
    );
  return notes;
}

/** A sentence about operators that draw random numbers; null where there are none. @param whose "its answers", "its outputs" */
export function randomNote({ random }: FormFindings, whose: string): string | null {
  if (random.size === 0) return null;
  const ops = [...random].map(([op, count]) => (count === 1 ? op : `${op} (${count} times)`)).join(", ");
  return `it draws random numbers (${ops}), so ${whose} differ from call to call`;
}

function rewriteGraph(graph: Graph, outer: Surroundings, counts: Counts): Graph {
  const around = { ...outer, constants: constantsOf(graph, outer.constants) };
  const nodes = graph.nodes.map((node) => {
    countRandom(node, counts);
    const whole = { ...node, attributes: rewriteInner(node.attributes, around, counts) };
    if (inTrainingMode(whole, around))
      return whole.op === "Dropout" ? plainDropout(whole, counts) : plainNorm(whole, around, counts);
    return whole;
  });
  return { ...graph, nodes };
}

function rewriteInner(attributes: Attributes, around: Surroundings, counts: Counts): Attributes {
  const entries = Object.entries(attributes);
  if (!entries.some(([, a]) => a.kind === "graph")) return attributes;
  return Object.fromEntries(
    entries.map(([name, a]) => [name, a.kind === "graph" ? { ...a, value: rewriteGraph(a.value, around, counts) } : a]),
  );
}

function inTrainingMode(node: Node, { opset, constants }: Surroundings): boolean {
  if (node.domain !== "") return false;
  if (node.op === "BatchNormalization") {
    if (opset >= MODE_IS_ATTRIBUTE) return readInt(node.attributes, "training_mode", 0) !== 0;
    return node.outputs.slice(1).some((o) => o !== "") || readInt(node.attributes, "is_test", 1) === 0;
  }
  if (node.op !== "Dropout" || opset < DROPOUT_HAS_MODE || !node.inputs[2]) return false;
  const mode = constants.get(node.inputs[2]);
  // What is not constant is the caller's to choose, and limbeck chooses inference.
  return mode === undefined || Number(mode.data[0]) !== 0;
}

function plainDropout(node: Node, counts: Counts): Node {
  counts.dropouts++;
  return { ...node, inputs: node.inputs.slice(0, 2) };
}

/** Functions are left as they are; a mode that is handed to one is taken for inference. @throws InputError for one in training mode */
function checkFunction(name: string, nodes: readonly Node[], around: Surroundings, counts: Counts): void {
  const constants = constantsOf({ nodes, initializers: new Map() }, new Map());
  for (const node of nodes) {
    countRandom(node, counts);
    const unknown = node.op === "Dropout" && !constants.has(node.inputs[2] ?? "");
    if (unknown || !inTrainingMode(node, { ...around, constants })) continue;
    throw new InputError({
      code: "model-unsupported",
      where: around.where,
      found: `its function "${name}" holds ${node.op} in training mode`,
      expected: "a model in inference mode",
      cure: "Export it in evaluation mode (PyTorch: model.eval() before export), or inline its functions (onnx.inliner)",
    });
  }
}

function countRandom({ op, domain }: Node, { random }: Counts): void {
  if (domain === "" && RANDOM.has(op)) random.set(op, (random.get(op) ?? 0) + 1);
}

const STATISTICS = ["running mean", "running variance", "saved mean", "saved variance"];

function plainNorm(node: Node, { where, reads, constants }: Surroundings, counts: Counts): Node {
  node.outputs.forEach((output, i) => {
    if (i === 0 || output === "" || !reads.get(output)) return;
    throw new InputError({
      code: "model-unsupported",
      where,
      found: `node "${node.name}" (BatchNormalization) is in training mode, and its ${STATISTICS[i - 1] ?? "statistics"} "${output}" is used elsewhere in the model`,
      expected: "a model in inference mode",
      cure: "Export it in evaluation mode (PyTorch: model.eval() before export)",
    });
  });
  counts.batchNorms++;
  const [mean, variance] = node.inputs.slice(3, 5).map((name) => constants.get(name));
  if (mean && variance && isAll(mean, 0) && isAll(variance, 1)) counts.fresh++;
  const { training_mode: _, is_test: __, ...attributes } = node.attributes;
  return { ...node, outputs: node.outputs.slice(0, 1), attributes };
}

const isAll = ({ data }: Tensor, value: number): boolean =>
  Array.from<unknown>(data as ArrayLike<unknown>).every((v) => Number(v) === value);

/** Initialisers, and what Constant nodes and Identity nodes of these give. */
function constantsOf(
  graph: Pick<Graph, "nodes" | "initializers">,
  outer: ReadonlyMap<string, Tensor>,
): Map<string, Tensor> {
  const constants = new Map([...outer, ...graph.initializers]);
  for (const { op, domain, attributes, inputs, outputs } of graph.nodes) {
    const value =
      domain !== ""
        ? undefined
        : op === "Constant" && attributes.value?.kind === "tensor"
          ? attributes.value.value
          : op === "Identity"
            ? constants.get(inputs[0] ?? "")
            : undefined;
    if (value) constants.set(outputs[0] ?? "", value);
  }
  return constants;
}

function countReads(graph: Graph, reads = new Map<string, number>()): Map<string, number> {
  const read = (name: string): void => void reads.set(name, (reads.get(name) ?? 0) + 1);
  for (const { inputs, attributes } of graph.nodes) {
    inputs.forEach(read);
    for (const a of Object.values(attributes)) if (a.kind === "graph") countReads(a.value, reads);
  }
  for (const { name } of graph.outputs) read(name);
  return reads;
}

/** Inputs that were read before and are not any more. */
function withoutUnreadInputs(graph: Graph, before: Graph): Graph {
  const [now, then] = [countReads(graph), countReads(before)];
  return { ...graph, inputs: graph.inputs.filter(({ name }) => now.has(name) || !then.has(name)) };
}
