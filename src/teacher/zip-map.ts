/** scikit-learn's exporters end in ZipMap, which turns rows of probabilities into a list of maps, one a sample. */
import type { Attribute, Model, Node } from "../graph/types.js";

export interface WithoutZipMap {
  /** The model with the rows themselves, under the names of the maps. */
  readonly model: Model;
  /** The names it gives its classes, in the order of its outputs; absent when several maps disagree. */
  readonly classes: readonly string[] | undefined;
}

/** Where a model has a ZipMap, the same model without it; else null. */
export function withoutZipMap(model: Model): WithoutZipMap | null {
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
