/** A student that ends in its teacher's classifier: SimKD (objective/losses/simkd.ts). */
import { faultOf, InputError } from "../../base/errors.js";
import { quote } from "../../base/quote.js";
import type { Value } from "../graph/builder.js";
import { canonicalGraph } from "../graph/canonical.js";
import { isFloat, sizeOf } from "../graph/tensor.js";
import type { TrainableModel } from "../graph/trainable-model.js";
import type { DType, Graph, Model, Node, Tensor } from "../graph/types.js";
import { verifyGraph } from "../graph/verify.js";
import { activate } from "../nn/activations.js";
import { batchNorm, conv2d, dense } from "../nn/layers.js";
import { ModelScope } from "../nn/scope.js";
import { meanOfPlaces, resized } from "../objective/connectors.js";
import type { ClassifierReuse } from "../objective/entry.js";
import { type FeatureInfo, matchFeatures } from "../objective/features.js";
import { TRANSFERRED } from "../objective/losses/simkd.js";
import { createBuilder } from "../ops/registry.js";
import { freeBatch } from "./evaluation.js";
import { deadNodes } from "./passes/dead-nodes.js";

/** An ONNX classifier and how its output becomes the classes of the data. */
export interface ReusableClassifier {
  readonly model: Model;
  /** Its file or name, for messages. */
  readonly where: string;
  /** The output that holds its scores. */
  readonly output: string;
  readonly kind: "logits" | "probabilities";
  /** order[c]: the output that is class c of the data; null when they agree. */
  readonly order: readonly number[] | null;
}

export interface TransferOptions {
  /** Without normalisation in front. */
  readonly student: TrainableModel;
  /** Of one sample, for each input of the student. */
  readonly sampleShapes: readonly (readonly number[])[];
  readonly classes: number;
  readonly teacher: ReusableClassifier;
  /** Shape of the teacher's feature for one sample. */
  readonly featureShape: readonly number[];
  readonly reuse: ClassifierReuse;
  /** Of the transfer's start weights. */
  readonly seed: number;
}

/** Prefix of everything that is added to the student. */
const PREFIX = "simkd/";
const TEACHER = `${PREFIX}teacher/`;
/** What a ReLU stays a ReLU behind. */
const PASSING = new Set([
  ...["GlobalAveragePool", "AveragePool", "MaxPool", "GlobalMaxPool", "ReduceMean", "ReduceMax"],
  ...["Flatten", "Reshape", "Squeeze", "Identity", "Dropout", "Transpose"],
]);

/**
 * The student up to its layer, the transfer, and the teacher's part behind its own layer as constants. The transfer is
 * three convolutions 1x1, 3x3, 1x1 (dense layers where the teacher's layer is a vector), each with a batch norm and a ReLU,
 * the last ReLU only where the teacher's layer comes from one; the student's map is average-pooled or resized to the
 * teacher's size first. Of the student's parameters those before its layer stay.
 * @throws InputError when a layer is missing, the teacher's output depends on more than its layer, or its part cannot be
 *   taken over
 */
export function withClassifier(options: TransferOptions): TrainableModel {
  const { student, sampleShapes, classes, teacher, featureShape, reuse } = options;
  const own = matchOne(reuse.layer.student, student.graph, "student");
  const given = matchOne(reuse.layer.teacher, teacher.model.graph, `teacher ${teacher.where}`);
  const trunk = trunkOf(student, own);
  const shape = shapeIn(trunk, student.inputs, sampleShapes, own);
  const transfer = transferOf(options, shape, endsInRelu(teacher.model.graph, given));
  const tail = renamed(tailOf(teacher, given, featureShape), (name) => (name === given ? TRANSFERRED : TEACHER + name));
  const inside = (name: string): string => (name.startsWith(PREFIX) ? name : `${PREFIX}transfer/${name}`);
  const bridge = renamed(transfer.graph, (name) => (name === "input" ? own : inside(name)));
  const last = tail.outputs[0]?.name ?? "";
  const closing = tail.nodes.map((n) => ({
    ...n,
    inputs: n.inputs.map((i) => (i === last ? student.output : i)),
    outputs: n.outputs.map((o) => (o === last ? student.output : o)),
  }));
  const graph: Graph = {
    name: trunk.name,
    inputs: student.graph.inputs,
    outputs: [{ name: student.output, dtype: "float32", shape: ["batch", classes] }],
    nodes: [...trunk.nodes, ...bridge.nodes, ...closing],
    initializers: new Map([...trunk.initializers, ...bridge.initializers, ...tail.initializers]),
  };
  checkWhole(graph, options);
  const kept = (names: readonly string[]): string[] => names.filter((n) => trunk.initializers.has(n));
  return {
    ...student,
    graph: freeBatch(graph, student.inputs),
    parameters: [...kept(student.parameters), ...transfer.scope.parameters.map((p) => p.name)],
    buffers: [...kept(student.buffers), ...transfer.scope.buffers.map((b) => b.name)],
  };
}

/** Elements of everything that a model of this graph holds: what is trained, and what came from the teacher. */
export function weightCount(model: TrainableModel): number {
  const counted = [...model.graph.initializers].filter(
    // Numbers without a shape are bounds, rates and the like.
    ([name, t]) =>
      model.parameters.includes(name) || (name.startsWith(TEACHER) && isFloat(t.dtype) && t.shape.length > 0),
  );
  return counted.reduce((sum, [, t]) => sum + sizeOf(t.shape), 0);
}

/** The one tensor that a name means. */
function matchOne(pattern: string, graph: Graph, where: string): string {
  const features = graph.nodes.flatMap((n): FeatureInfo[] =>
    n.outputs.flatMap((name, i) => (name === "" ? [] : [{ name, node: i === 0 ? n.name : "" }])),
  );
  const found = matchFeatures(pattern, features, where);
  if (found.length !== 1)
    throw new InputError({
      code: "layer-missing",
      where,
      found: `${quote(pattern)} matches ${found.length} layers (${found.map((f) => f.name).join(", ")})`,
      expected: "one layer for simkd",
      cure: "Name the layer in full",
    });
  return (found[0] as FeatureInfo).name;
}

function trunkOf({ graph }: TrainableModel, feature: string): Graph {
  return deadNodes({ ...graph, outputs: [{ name: feature, dtype: "float32", shape: null }] });
}

/** Shape of a value for one sample, the batch in front. */
function shapeIn(
  graph: Graph,
  inputs: readonly string[],
  shapes: TransferOptions["sampleShapes"],
  name: string,
): number[] {
  const [one, two] = [1, 2].map((batch) => valueIn(graph, inputs, shapes, batch, name).shape);
  if (one?.[0] !== 1 || two?.[0] !== 2)
    throw new InputError({
      code: "model-unsupported",
      where: `layer ${quote(name)}`,
      found: `it is [${two}] for 2 samples`,
      expected: "the samples in its first dimension",
      cure: "Name another layer for simkd",
    });
  return [...one];
}

/** A value of a graph for so many samples. */
function valueIn(
  graph: Graph,
  inputs: readonly string[],
  shapes: TransferOptions["sampleShapes"],
  batch: number,
  name: string,
): Value {
  const b = createBuilder(graph.name);
  const typeOf = (input: string): DType => graph.inputs.find((i) => i.name === input)?.dtype ?? "float32";
  const fed = inputs.map((input, i) => [input, b.input(input, typeOf(input), [batch, ...(shapes[i] ?? [])])] as const);
  const found = b.inline(graph, new Map(fed)).get(name);
  if (!found)
    throw new InputError({
      code: "layer-missing",
      where: `layer ${quote(name)}`,
      found: `the graph ${quote(graph.name)} has no layer of that name`,
      cure: "Run limbeck inspect MODEL --features for the names",
    });
  return found;
}

/** "input" [1, ...] -> TRANSFERRED [1, ...featureShape]; no node holds the batch. */
function transferOf({ reuse, featureShape, seed }: TransferOptions, shape: readonly number[], relu: boolean) {
  const b = createBuilder("simkd");
  const scope = new ModelScope(b, { seed, initialiser: "pytorch" });
  let x = b.input("input", "float32", shape);
  const image = featureShape.length === 3;
  if (!image && x.shape.length > 2) x = meanOfPlaces(b, x);
  if (x.shape.length !== featureShape.length + 1 || (!image && featureShape.length !== 1))
    throw new InputError({
      code: "array-mismatch",
      where: "objective.terms",
      found: `for one sample the student's layer is [${shape.slice(1)}] and the teacher's [${featureShape}]`,
      expected: "images [channels, height, width] or vectors on both sides, or a vector on the teacher's side",
      cure: "Choose other layers",
    });
  if (image) x = resized(b, x, featureShape.slice(1));
  const width = featureShape[0] as number;
  const inner = Math.max(1, Math.round(width / reuse.factor));
  scope.within("simkd", () => {
    for (const [i, units] of [inner, inner, width].entries()) {
      x = scope.layer(image ? "conv" : "dense", () => {
        const y = image
          ? conv2d(scope, x, units, { kernel: i === 1 ? 3 : 1, bias: false })
          : dense(scope, x, units, { bias: false });
        const z = scope.within("norm", () => batchNorm(scope, y));
        return i < 2 || relu ? activate(b, z, "relu") : z;
      });
    }
  });
  b.output(x, TRANSFERRED);
  return { graph: b.build(), scope };
}

/** Whether a value is a ReLU's, or pooled or reshaped from one: then the transfer ends in one too, as the authors' does. */
function endsInRelu({ nodes }: Graph, name: string): boolean {
  const node = nodes.find((n) => n.outputs.includes(name));
  if (!node || node.domain !== "") return false;
  return node.op === "Relu" || (PASSING.has(node.op) && endsInRelu({ nodes } as Graph, node.inputs[0] ?? ""));
}

/** The teacher's part behind its feature, from that to logits in the data's order of classes; input and output by name. */
function tailOf(teacher: ReusableClassifier, feature: string, featureShape: readonly number[]): Graph {
  const { model, where, order } = teacher;
  const output = logitsOf(teacher);
  if (output === feature)
    throw new InputError({
      code: "layer-missing",
      where,
      found: `${quote(feature)} is already its output`,
      expected: "a layer before the classifier",
      cure: "Name the layer that its classifier reads",
    });
  const cut = deadNodes({
    ...model.graph,
    nodes: model.graph.nodes.filter((n) => !n.outputs.includes(feature)),
    inputs: [{ name: feature, dtype: "float32", shape: ["batch", ...featureShape] }],
    outputs: [{ name: output, dtype: "float32", shape: null }],
  });
  checkTail(cut, model.graph, feature, where);
  const { nodes, initializers } = canonicalGraph({ ...model, graph: cut }, where);
  const frozen = nodes.map((n): Node => (n.op === "Dropout" ? identity(n) : n));
  if (!order) return { ...cut, nodes: frozen, initializers };
  const indices = { dtype: "int64", shape: [order.length], data: BigInt64Array.from(order, BigInt) } as const;
  return {
    ...cut,
    outputs: [{ name: "classes", dtype: "float32", shape: null }],
    nodes: [
      ...frozen,
      {
        name: "classes",
        op: "Gather",
        domain: "",
        inputs: [output, "class_order"],
        outputs: ["classes"],
        attributes: { axis: { kind: "int", value: 1 } },
      },
    ],
    initializers: new Map<string, Tensor>([...initializers, ["class_order", indices]]),
  };
}

/** A frozen model drops nothing. */
const identity = (n: Node): Node => ({
  ...n,
  op: "Identity",
  inputs: n.inputs.slice(0, 1),
  outputs: n.outputs.slice(0, 1),
  attributes: {},
});

/** The teacher's scores before a softmax: a student gives logits. */
function logitsOf({ model, where, output, kind }: ReusableClassifier): string {
  if (kind === "logits") return output;
  let name = output;
  for (;;) {
    const node = model.graph.nodes.find((n) => n.outputs.includes(name));
    const next = node?.inputs[0] ?? "";
    if (node?.domain === "" && node.op === "Softmax") return next;
    if (node?.domain !== "" || node.op !== "Identity")
      throw new InputError({
        code: "model-unsupported",
        where,
        found: `its output ${quote(output)} holds probabilities that do not come from a softmax`,
        expected: "logits, or probabilities from a softmax, for simkd",
        cure: "Use another loss than simkd, or a teacher with logits",
      });
    name = next;
  }
}

/** Nothing but the feature leads into the tail, and its weights are float32. */
function checkTail(tail: Graph, whole: Graph, feature: string, where: string): void {
  const made = new Set([feature, "", ...tail.initializers.keys(), ...tail.nodes.flatMap((n) => n.outputs)]);
  const reads = tail.nodes.flatMap((n) => n.inputs);
  const around = reads.find((name) => !made.has(name));
  if (around !== undefined || !reads.includes(feature)) {
    const found = whole.inputs.some((i) => i.name === around) ? `its input ${quote(around)}` : quote(around);
    throw new InputError({
      code: "model-unsupported",
      where,
      found:
        around === undefined
          ? `its output does not depend on ${quote(feature)}`
          : `its output depends on ${found} past ${quote(feature)}`,
      expected: "a layer through which everything goes to the output",
      cure: "Name the layer that its classifier reads",
    });
  }
  const odd = [...tail.initializers].find(([, t]) => isFloat(t.dtype) && t.dtype !== "float32");
  if (odd)
    throw new InputError({
      code: "model-unsupported",
      where,
      found: `its weight ${quote(odd[0])} has the type ${odd[1].dtype}`,
      expected: "float32",
      cure: "Export the model in float32",
    });
}

function renamed(graph: Graph, name: (old: string) => string): Graph {
  const of = (old: string): string => (old === "" ? "" : name(old));
  return {
    name: graph.name,
    inputs: graph.inputs.map((i) => ({ ...i, name: of(i.name) })),
    outputs: graph.outputs.map((o) => ({ ...o, name: of(o.name) })),
    nodes: graph.nodes.map((n) => ({ ...n, name: of(n.name), inputs: n.inputs.map(of), outputs: n.outputs.map(of) })),
    initializers: new Map([...graph.initializers].map(([n, t]) => [of(n), t])),
  };
}

/** Every op has a shape rule, and two samples give two rows: the teacher's part holds no batch of its own. */
function checkWhole(graph: Graph, { student, sampleShapes, classes, teacher }: TransferOptions): void {
  let shape: readonly number[];
  try {
    verifyGraph(graph);
    shape = valueIn(graph, student.inputs, sampleShapes, 2, student.output).shape;
  } catch (cause) {
    const fault = faultOf(cause);
    const reason = fault ? `${fault.where}: ${fault.found}` : cause instanceof Error ? cause.message : String(cause);
    throw new InputError(
      {
        code: "model-unsupported",
        where: teacher.where,
        found: `simkd cannot reuse the part behind its layer: ${reason}`,
        cure: "Name another layer of the teacher, or use another loss",
      },
      { cause },
    );
  }
  if (shape.join() !== [2, classes].join())
    throw new InputError({
      code: "model-output",
      where: teacher.where,
      found: `the part behind its layer gives [${shape}] for 2 samples of the student`,
      expected: `[2,${classes}]`,
      cure: "Name another layer of the teacher",
    });
}
