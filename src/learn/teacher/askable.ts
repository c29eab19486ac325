/**
 * A foreign classifier as it is asked: in inference form, and with rows as outputs. scikit-learn's exporters end in ZipMap,
 * which turns rows of probabilities into a list of maps, one a sample; or they give each class an output of its own. Nothing
 * here is Node's.
 */
import { int } from "../../engine/graph/attributes.js";
import { inferenceForm, inferenceNotes, randomNote } from "../../engine/graph/inference-form.js";
import { int64s, isFloat } from "../../engine/graph/tensor.js";
import type { Attribute, Model, Node } from "../../engine/graph/types.js";
import { type OpenedFeatures, withFeatures } from "./features.js";

export interface Askable {
  /** The model that was given where nothing had to be changed. */
  readonly model: Model;
  /** Whether it was exported in training mode: its answers are others than those of the file as it is. */
  readonly trainingMode: boolean;
  /** The names it gives its classes itself, in the order of its outputs. */
  readonly classes: readonly string[] | undefined;
  /** What stands behind the features asked for. */
  readonly inner: OpenedFeatures | undefined;
  /** Sentences about what was changed. */
  readonly notes: readonly string[];
  /** Sentences about what is wrong with it. */
  readonly warnings: readonly string[];
}

/**
 * @param features names or patterns of inner values that shall be outputs
 * @throws InputError when it cannot be brought to inference form, or a feature is not there
 */
export function askable(model: Model, where: string, features: readonly string[] = []): Askable {
  const { model: plain, ...form } = inferenceForm(model, where);
  const mapped = withoutZipMap(plain) ?? withoutColumns(plain);
  const whole = mapped?.model ?? plain;
  const inner = features.length > 0 ? withFeatures(whole, features, `teacher ${where}`) : undefined;
  const random = randomNote(form, "its answers");
  return {
    model: inner?.model ?? whole,
    trainingMode: plain !== model,
    classes: mapped ? mapped.classes : classesInside(plain),
    inner,
    notes: inferenceNotes(form),
    warnings: random ? [random] : [],
  };
}

interface WithRows {
  /** The model with the rows themselves, under the names of the maps. */
  readonly model: Model;
  /** The names it gives its classes, in the order of its outputs; absent when several maps disagree. */
  readonly classes: readonly string[] | undefined;
}

/** Where a model has a ZipMap, the same model without it; else null. */
function withoutZipMap(model: Model): WithRows | null {
  const { graph } = model;
  const maps = graph.nodes.filter(isZipMap);
  if (maps.length === 0) return null;
  const rows = new Set(maps.flatMap((n) => n.outputs));
  const plain = (n: Node): Node => ({ ...n, op: "Identity", domain: "", attributes: {} });
  const names = maps.map((n) => labelsOf(n.attributes.classlabels_strings ?? n.attributes.classlabels_int64s));
  return {
    model: {
      ...model,
      opsets: { "": 13, ...model.opsets },
      graph: {
        ...graph,
        nodes: graph.nodes.map((n) => (isZipMap(n) ? plain(n) : n)),
        outputs: graph.outputs.map((o) => (rows.has(o.name) ? { name: o.name, dtype: "float32", shape: null } : o)),
      },
    },
    classes: new Set(names.map((n) => n?.join("\0"))).size === 1 ? names[0] : undefined,
  };
}

const isZipMap = (n: Node): boolean => n.op === "ZipMap" && n.domain === "ai.onnx.ml";

function labelsOf(attribute: Attribute | undefined): readonly string[] | undefined {
  return attribute?.kind === "strings" || attribute?.kind === "ints" ? attribute.value.map(String) : undefined;
}

/**
 * Where each class has an output of its own (zipmap="columns": "s" or "i" and the class's name), the same model with these as the
 * columns of one more output; else null.
 */
function withoutColumns(model: Model): WithRows | null {
  const { graph } = model;
  const columns = graph.outputs.filter((o) => isFloat(o.dtype) && o.shape?.length === 1);
  const labels = graph.outputs.find((o) => !isFloat(o.dtype));
  const prefix = labels?.dtype === "string" ? "s" : "i";
  const fromZipMap = columns.every((o) => o.name.startsWith(prefix) && (prefix === "s" || /^i-?\d+$/.test(o.name)));
  if (!labels || columns.length < 2 || !fromZipMap || columns.length + 1 !== graph.outputs.length) return null;
  const name = "limbeck_probabilities";
  const added = (op: string, inputs: readonly string[], output: string, attributes: Node["attributes"] = {}): Node => ({
    name: output,
    op,
    domain: "",
    inputs,
    outputs: [output],
    attributes,
  });
  const shape = `${name}_shape`;
  const parts = columns.map((o) => added("Reshape", [o.name, shape], `${name}_${o.name}`));
  const rows = added(
    "Concat",
    parts.map((p) => p.name),
    name,
    { axis: int(1) },
  );
  return {
    model: {
      ...model,
      graph: {
        ...graph,
        nodes: [...graph.nodes, ...parts, rows],
        initializers: new Map([...graph.initializers, [shape, int64s([-1, 1])]]),
        outputs: [labels, { name, dtype: "float32", shape: [null, columns.length] }],
      },
    },
    classes: columns.map((o) => o.name.slice(1)),
  };
}

/** What hands a label on as it is. */
const PASSING = new Set(["Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten"]);

/** The names that the model's own label output picks from; where it has none, those on which all classifiers inside agree. */
function classesInside({ graph }: Model): readonly string[] | undefined {
  const of = (output: string, steps = 0): readonly string[] | undefined => {
    if (steps > graph.nodes.length) return undefined;
    const node = graph.nodes.find((n) => n.outputs.includes(output));
    if (!node) return undefined;
    if (node.domain === "" && PASSING.has(node.op)) return of(node.inputs[0] ?? "", steps + 1);
    return classesOf(node, graph);
  };
  const labels = graph.outputs.find((o) => !isFloat(o.dtype));
  const picked = labels && of(labels.name);
  if (picked) return picked.length > 1 ? picked : undefined;
  const lists = graph.nodes.map((n) => classesOf(n, graph)).filter((names) => names !== undefined);
  const [first] = lists;
  return first && first.length > 1 && lists.every((names) => names.join("\0") === first.join("\0")) ? first : undefined;
}

/** The names that a node of ai.onnx.ml gives classes: those of a classifier, or what labels are looked up in. */
function classesOf({ domain, op, attributes, inputs }: Node, graph: Model["graph"]): readonly string[] | undefined {
  if (domain !== "ai.onnx.ml") return undefined;
  const names = labelsOf(
    attributes.classlabels_strings ?? attributes.classlabels_int64s ?? attributes.classlabels_ints,
  );
  if (names || op !== "ArrayFeatureExtractor") return names;
  const labels = graph.initializers.get(inputs[0] ?? "");
  if (labels?.dtype !== "string" && labels?.dtype !== "int64" && labels?.dtype !== "int32") return undefined;
  return Array.from<unknown>(labels.data as ArrayLike<unknown>).map(String);
}
