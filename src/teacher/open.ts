/**
 * Opens a foreign classifier so that its outputs are tensors: scikit-learn's exporters end in ZipMap, which turns rows
 * of probabilities into a list of maps, one a sample.
 */
import { type LoadedModel, loadModelFile } from "../graph/file.js";
import type { Attribute, Model, Node } from "../graph/types.js";
import { writeModel } from "../graph/write.js";
import { openSession, type Session, type SessionOptions } from "../runtime/session.js";
import { type OpenedFeatures, withFeatures } from "./features.js";

export interface Classifier extends LoadedModel {
  readonly session: Session;
  /** The names it gives its classes itself, in the order of its outputs. */
  readonly classes: readonly string[] | undefined;
  /** What stands behind the features asked for. */
  readonly inner: OpenedFeatures | undefined;
}

/**
 * @param features names or patterns of inner values that shall be outputs
 * @throws InputError when the file is no model; RunError when ONNX Runtime refuses it
 */
export async function openClassifier(
  path: string,
  options: SessionOptions,
  features: readonly string[] = [],
): Promise<Classifier> {
  const loaded = loadModelFile(path);
  const mapped = withoutZipMap(loaded.model);
  const inner =
    features.length > 0 ? withFeatures(mapped?.model ?? loaded.model, features, `teacher ${path}`) : undefined;
  const changed = inner?.model ?? mapped?.model;
  const session = await openSession(changed ? writeModel(changed) : path, options);
  return { ...loaded, session, classes: mapped?.classes, inner };
}

interface WithoutZipMap {
  /** The model with the rows themselves, under the names of the maps. */
  readonly model: Model;
  /** The names it gives its classes, in the order of its outputs; absent when several maps disagree. */
  readonly classes: readonly string[] | undefined;
}

/** Where a model has a ZipMap, the same model without it; else null. */
function withoutZipMap(model: Model): WithoutZipMap | null {
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
