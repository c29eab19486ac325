/** Plain data to `.onnx` bytes: deterministic, and byte-exact for models nobody touched. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  type GraphProto,
  GraphProtoSchema,
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { codeOf } from "./codes.js";
import { origins } from "./origins.js";
import type { Attribute, Dim, Graph, Model, Tensor, ValueInfo } from "./types.js";

/** Bytes of a model. A model that came from `readModel` unchanged gives its own bytes back. */
export function writeModel(model: Model): Uint8Array {
  const origin = origins.get(model);
  if (origin) return toBinary(ModelProtoSchema, origin);
  const entries = (record: Readonly<Record<string, string>>) =>
    Object.entries(record)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }));
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: BigInt(model.irVersion),
      producerName: model.producerName,
      producerVersion: model.producerVersion,
      opsetImport: Object.entries(model.opsets)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([domain, version]) => create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) })),
      metadataProps: entries(model.metadata),
      graph: encodeGraph(model.graph),
      functions: (model.functions ?? []).map((f) => f.origin as FunctionProto),
    }),
  );
}

function encodeGraph(graph: Graph): GraphProto {
  return create(GraphProtoSchema, {
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
  });
}

function encodeInfo(info: ValueInfo): ValueInfoProto {
  const dim = (d: Dim) =>
    create(
      TensorShapeProto_DimensionSchema,
      d === null
        ? {}
        : { value: typeof d === "number" ? { case: "dimValue", value: BigInt(d) } : { case: "dimParam", value: d } },
    );
  const value = create(TypeProto_TensorSchema, {
    elemType: codeOf(info.dtype),
    shape: info.shape ? create(TensorShapeProtoSchema, { dim: info.shape.map(dim) }) : undefined,
  });
  return create(ValueInfoProtoSchema, {
    name: info.name,
    type: create(TypeProtoSchema, { value: { case: "tensorType", value } }),
  });
}

function encodeTensor(t: Tensor, name: string): TensorProto {
  const common = { name, dims: t.shape.map(BigInt), dataType: codeOf(t.dtype) };
  if (t.dtype === "string") {
    const encoder = new TextEncoder();
    return create(TensorProtoSchema, {
      ...common,
      stringData: (t.data as readonly string[]).map((s) => encoder.encode(s)),
    });
  }
  const data = t.data as Exclude<Tensor["data"], readonly string[]>;
  return create(TensorProtoSchema, {
    ...common,
    rawData: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
  });
}

function encodeAttribute(name: string, a: Attribute): AttributeProto {
  const encoder = new TextEncoder();
  switch (a.kind) {
    case "int":
      return create(AttributeProtoSchema, { name, type: Kind.INT, i: BigInt(a.value) });
    case "float":
      return create(AttributeProtoSchema, { name, type: Kind.FLOAT, f: a.value });
    case "string":
      return create(AttributeProtoSchema, { name, type: Kind.STRING, s: encoder.encode(a.value) });
    case "ints":
      return create(AttributeProtoSchema, { name, type: Kind.INTS, ints: a.value.map(BigInt) });
    case "floats":
      return create(AttributeProtoSchema, { name, type: Kind.FLOATS, floats: [...a.value] });
    case "strings":
      return create(AttributeProtoSchema, { name, type: Kind.STRINGS, strings: a.value.map((s) => encoder.encode(s)) });
    case "tensor":
      return create(AttributeProtoSchema, { name, type: Kind.TENSOR, t: encodeTensor(a.value, "") });
    case "graph":
      return create(AttributeProtoSchema, { name, type: Kind.GRAPH, g: encodeGraph(a.value) });
    case "opaque":
      return a.value as AttributeProto;
  }
}
