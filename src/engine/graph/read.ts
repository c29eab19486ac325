/** `.onnx` bytes to plain data. */
import { fromBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  type GraphProto,
  AttributeProto_AttributeType as Kind,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation,
  type ValueInfoProto,
} from "onnx-buf";
import { type ErrorCode, InputError } from "../../base/errors.js";
import { quote } from "../../base/quote.js";
import { dtypeOf } from "./codes.js";
import { origins } from "./origins.js";
import { allocate, bytesPerElement, sizeOf } from "./tensor.js";
import type { Attribute, Dim, DType, Graph, Model, Node, Tensor, TensorData, ValueInfo, ValueType } from "./types.js";

/** Bytes of an external tensor file. `location` is relative to the model; refuse what leaves its folder. */
export type ExternalReader = (location: string, offset: number, length: number | undefined) => Uint8Array;

export interface ReadOptions {
  readonly externalData?: ExternalReader;
  /** Name for messages. */
  readonly where?: string;
}

/**
 * Reads a model. Initialisers are views into `bytes` where alignment permits. Unnamed nodes get names.
 * @throws InputError when the bytes are not an ONNX model
 */
export function readModel(bytes: Uint8Array, options: ReadOptions = {}): Model {
  const where = options.where ?? "model";
  const proto = decode(bytes, where);
  const reader = new Reader(where, options.externalData);
  const graph = reader.graph(proto.graph as GraphProto);
  const functions = proto.functions.map((f) => ({ name: f.name, nodes: reader.nodes(f.node), origin: f }));
  const model: Model = {
    graph,
    ...(functions.length > 0 ? { functions } : {}),
    opsets: Object.fromEntries(
      proto.opsetImport.map((o) => [o.domain === "ai.onnx" ? "" : o.domain, Number(o.version)]),
    ),
    irVersion: Number(proto.irVersion),
    producerName: proto.producerName,
    producerVersion: proto.producerVersion,
    metadata: Object.fromEntries(proto.metadataProps.map((p) => [p.key, p.value])),
  };
  origins.set(model, proto);
  return model;
}

function decode(bytes: Uint8Array, where: string): ModelProto {
  let proto: ModelProto | undefined;
  try {
    proto = fromBinary(ModelProtoSchema, bytes);
  } catch {
    proto = undefined;
  }
  if (proto?.graph && proto.graph.node.length + proto.graph.output.length > 0) return proto;
  const { code, found, cure = "Export the model to ONNX and give that file" } = recognise(bytes);
  throw new InputError({ code, where, found, expected: "an ONNX model", cure });
}

/** What the bytes look like instead. */
function recognise(bytes: Uint8Array): { code: ErrorCode; found: string; cure?: string } {
  const type = (found: string, cure?: string) => ({ code: "file-type" as const, found, cure });
  const again = "Fetch or export the model again";
  if (bytes.length === 0) return { code: "file-damaged", found: "the file is empty", cure: again };
  // Not a TextDecoder: its "latin1" is another table, and not in every version of Node.
  const start = Array.from(bytes.subarray(0, 64), (byte) => String.fromCharCode(byte)).join("");
  if (start.startsWith("version https://git-lfs"))
    return type("it is a Git LFS pointer", "Fetch the file with git lfs pull");
  if (start.startsWith("\x1f\x8b")) return type("it is gzip-compressed", "Unpack it with gunzip");
  if (start.slice(4, 8) === "ORTM")
    return type("it is in ONNX Runtime's own format (.ort)", "Give the .onnx file that it was made from");
  if (start.startsWith("\x93NUMPY")) return type("it is a NumPy array (.npy)");
  if (start.startsWith("GGUF")) return type("it is a GGUF file, which holds weights without a graph");
  if (bytes[0] === 0x80 && (bytes[1] ?? 0) >= 2 && (bytes[1] ?? 0) <= 5)
    return type("it is a Python pickle, perhaps a scikit-learn or PyTorch model");
  if (/^(\x89PNG|\xff\xd8\xff)/.test(start)) return type("it is an image");
  if (/^\s*</.test(start))
    return type("it is an HTML or XML page, perhaps a failed download", "Download the model again");
  if (start.startsWith("PK")) return type("it is a zip archive, perhaps a PyTorch checkpoint or an .npz file");
  if (start.slice(4, 8) === "TFL3") return type("it is a TensorFlow Lite model");
  if (start.startsWith("\u0089HDF")) return type("it is an HDF5 file, perhaps a Keras model");
  if (/^.{8}\{"/s.test(start)) return type("it is a safetensors file, which holds weights without a graph");
  if (/^[\t\n\r\x20-\x7e]+$/.test(start)) return type("it is a text file");
  return {
    code: "file-damaged",
    found: `its ${bytes.length} bytes cannot be decoded, so the file may be cut off`,
    cure: again,
  };
}

class Reader {
  constructor(
    readonly where: string,
    readonly external: ExternalReader | undefined,
  ) {}

  graph(proto: GraphProto): Graph {
    const initializers = new Map(proto.initializer.map((t) => [t.name, this.tensor(t)]));
    const valueTypes = new Map<string, ValueType>();
    for (const info of proto.valueInfo) {
      const { name, ...type } = this.info(info);
      valueTypes.set(name, type);
    }
    return {
      name: proto.name,
      inputs: proto.input.filter((i) => !initializers.has(i.name)).map((i) => this.info(i)),
      outputs: proto.output.map((o) => this.info(o)),
      nodes: this.nodes(proto.node),
      initializers,
      valueTypes,
    };
  }

  /** The nodes of a graph or function; unnamed ones get names. */
  nodes(protos: readonly NodeProto[]): Node[] {
    const names = new Set(protos.map((n) => n.name));
    const seen = new Set<string>();
    return protos.map((n, i): Node => {
      let name = n.name;
      if (name === "" || seen.has(name)) {
        const base = name || `${n.opType}_${i}`;
        name = base;
        for (let k = 1; seen.has(name) || (names.has(name) && name !== n.name); k++) name = `${base}_${k}`;
      }
      seen.add(name);
      const attributes = Object.fromEntries(n.attribute.map((a) => [a.name, this.attribute(a)]));
      return {
        name,
        op: n.opType,
        domain: n.domain === "ai.onnx" ? "" : n.domain,
        inputs: n.input,
        outputs: n.output,
        attributes,
      };
    });
  }

  info(proto: ValueInfoProto): ValueInfo {
    const type = proto.type?.value;
    if (type?.case !== "tensorType") return { name: proto.name, dtype: "float32", shape: null };
    const shape = type.value.shape?.dim.map((d): Dim => {
      if (d.value.case === "dimValue") return Number(d.value.value);
      return d.value.case === "dimParam" && d.value.value !== "" ? d.value.value : null;
    });
    return { name: proto.name, dtype: dtypeOf(type.value.elemType) ?? "float32", shape: shape ?? null };
  }

  attribute(a: AttributeProto): Attribute {
    const text = (s: Uint8Array): string => new TextDecoder().decode(s);
    switch (a.type) {
      case Kind.INT:
        return { kind: "int", value: exact(a.i) };
      case Kind.FLOAT:
        return { kind: "float", value: a.f };
      case Kind.STRING:
        return { kind: "string", value: text(a.s) };
      case Kind.INTS:
        return { kind: "ints", value: a.ints.map(exact) };
      case Kind.FLOATS:
        return { kind: "floats", value: a.floats };
      case Kind.STRINGS:
        return { kind: "strings", value: a.strings.map(text) };
      case Kind.TENSOR:
        return a.t ? { kind: "tensor", value: this.tensor(a.t) } : { kind: "opaque", value: a };
      case Kind.GRAPH:
        return a.g ? { kind: "graph", value: this.graph(a.g) } : { kind: "opaque", value: a };
      default:
        return { kind: "opaque", value: a };
    }
  }

  tensor(proto: TensorProto): Tensor {
    const dtype = dtypeOf(proto.dataType);
    if (!dtype)
      throw this.#fault("model-unsupported", proto, `has the element type ${proto.dataType}`, {
        expected: "an element type that limbeck reads",
        cure: "Export the model with float32 weights",
      });
    const shape = proto.dims.map(Number);
    if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL)
      return { dtype, shape, data: this.#externalData(proto, dtype, shape) };
    if (dtype === "string") return { dtype, shape, data: proto.stringData.map((s) => new TextDecoder().decode(s)) };
    const size = sizeOf(shape);
    const data = proto.rawData.length > 0 ? viewAs(dtype, proto.rawData) : typedFields(proto, dtype);
    if (data.length !== size)
      throw this.#fault("file-damaged", proto, `of shape [${shape}] holds ${data.length} elements`, {
        expected: `${size}`,
        cure: "Fetch or export the model again",
      });
    return { dtype, shape, data };
  }

  #externalData(proto: TensorProto, dtype: DType, shape: readonly number[]): TensorData {
    const fields = Object.fromEntries(proto.externalData.map((e) => [e.key, e.value]));
    if (!this.external)
      throw this.#fault("file-missing", proto, "lies in an external file, which bytes alone do not contain", {
        cure: "Load the model by its path, or save it as one file",
      });
    const length = fields.length === undefined ? sizeOf(shape) * bytesPerElement(dtype) : Number(fields.length);
    const bytes = this.external(fields.location ?? "", Number(fields.offset ?? 0), length);
    if (bytes.length !== sizeOf(shape) * bytesPerElement(dtype)) {
      throw this.#fault("file-damaged", proto, `has ${bytes.length} bytes in its external file`, {
        expected: `${sizeOf(shape) * bytesPerElement(dtype)} for its shape [${shape}]`,
        cure: "Fetch or export the model again",
      });
    }
    return viewAs(dtype, bytes);
  }

  #fault(code: ErrorCode, proto: TensorProto, found: string, rest: { expected?: string; cure: string }): InputError {
    return new InputError({ code, where: this.where, found: `tensor ${quote(proto.name)} ${found}`, ...rest });
  }
}

/**
 * "To the end" is written as the largest int64, which no number holds: rounded up it would turn negative when written
 * again. The largest safe integer means the same to every op.
 */
function exact(value: bigint): number {
  const most = Number.MAX_SAFE_INTEGER;
  return Math.max(-most, Math.min(most, Number(value)));
}

/** A typed view over little-endian bytes; a copy when they are not aligned. */
function viewAs(dtype: DType, bytes: Uint8Array): Exclude<TensorData, readonly string[]> {
  const width = bytesPerElement(dtype);
  // Not `slice`: a Node Buffer would share its memory instead of copying.
  const aligned = bytes.byteOffset % width === 0 ? bytes : Uint8Array.from(bytes);
  const Constructor = allocate(dtype, 0).constructor as new (
    buffer: ArrayBufferLike,
    offset: number,
    length: number,
  ) => Float32Array;
  return new Constructor(aligned.buffer, aligned.byteOffset, Math.floor(bytes.byteLength / width));
}

function typedFields(proto: TensorProto, dtype: DType): Exclude<TensorData, readonly string[]> {
  const source =
    dtype === "float32"
      ? proto.floatData
      : dtype === "float64"
        ? proto.doubleData
        : dtype === "int64"
          ? proto.int64Data
          : dtype === "uint64" || dtype === "uint32"
            ? proto.uint64Data
            : proto.int32Data;
  const data = allocate(dtype, source.length);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.set(source as bigint[]);
  else data.set(Array.from(source as readonly (number | bigint)[], Number));
  return data;
}
