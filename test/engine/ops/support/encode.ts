/** Writes small graphs for ONNX Runtime, apart from our own writer, so that neither hides the other's mistakes. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProtoSchema,
  GraphProtoSchema,
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import {
  type Attribute,
  CANONICAL_OPSET,
  type DType,
  type Graph,
  type Tensor,
  type ValueInfo,
} from "../../../../src/engine/graph/types.js";

const CODES: Readonly<Partial<Record<DType, number>>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
  uint32: 12,
  uint64: 13,
};

/** The ONNX bytes of a graph in the canonical opset. */
export function encodeModel(graph: Graph): Uint8Array {
  const domains = new Set(graph.nodes.map((n) => n.domain).filter((d) => d !== ""));
  const model = create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [
      create(OperatorSetIdProtoSchema, { domain: "", version: BigInt(CANONICAL_OPSET) }),
      ...[...domains].map((domain) => create(OperatorSetIdProtoSchema, { domain, version: 1n })),
    ],
    graph: create(GraphProtoSchema, {
      name: graph.name,
      input: graph.inputs.map(encodeInfo),
      output: graph.outputs.map(encodeInfo),
      initializer: [...graph.initializers].map(([name, t]) => encodeTensor(t, name)),
      node: graph.nodes.map((n) =>
        create(NodeProtoSchema, {
          name: n.name,
          opType: n.op,
          domain: n.domain,
          input: [...n.inputs],
          output: [...n.outputs],
          attribute: Object.entries(n.attributes).map(([name, a]) => encodeAttribute(name, a)),
        }),
      ),
    }),
  });
  return toBinary(ModelProtoSchema, model);
}

function encodeInfo(info: ValueInfo) {
  const shape = info.shape?.map((d) =>
    create(TensorShapeProto_DimensionSchema, { value: { case: "dimValue", value: BigInt(d as number) } }),
  );
  const type = create(TypeProto_TensorSchema, {
    elemType: codeOf(info.dtype),
    shape: shape && create(TensorShapeProtoSchema, { dim: shape }),
  });
  return create(ValueInfoProtoSchema, {
    name: info.name,
    type: create(TypeProtoSchema, { value: { case: "tensorType", value: type } }),
  });
}

function encodeTensor(t: Tensor, name: string) {
  const data = t.data as Exclude<Tensor["data"], readonly string[]>;
  return create(TensorProtoSchema, {
    name,
    dims: t.shape.map(BigInt),
    dataType: codeOf(t.dtype),
    rawData: new Uint8Array(data.slice().buffer as ArrayBuffer),
  });
}

function encodeAttribute(name: string, a: Attribute) {
  const make = (type: Kind, fields: object) => create(AttributeProtoSchema, { name, type, ...fields });
  switch (a.kind) {
    case "int":
      return make(Kind.INT, { i: BigInt(a.value) });
    case "float":
      return make(Kind.FLOAT, { f: a.value });
    case "string":
      return make(Kind.STRING, { s: new TextEncoder().encode(a.value) });
    case "ints":
      return make(Kind.INTS, { ints: a.value.map(BigInt) });
    case "floats":
      return make(Kind.FLOATS, { floats: [...a.value] });
    case "tensor":
      return make(Kind.TENSOR, { t: encodeTensor(a.value, "") });
    default:
      throw new Error(`encode: attribute "${name}" of kind ${a.kind} is not supported in tests`);
  }
}

function codeOf(dtype: DType): number {
  const code = CODES[dtype];
  if (code === undefined) throw new Error(`encode: ${dtype} is not supported in tests`);
  return code;
}
