/** ONNX's numbers for element types (TensorProto.DataType). */
import type { DType } from "./types.js";

const BY_CODE: Readonly<Record<number, DType>> = {
  1: "float32",
  2: "uint8",
  3: "int8",
  4: "uint16",
  5: "int16",
  6: "int32",
  7: "int64",
  8: "string",
  9: "bool",
  10: "float16",
  11: "float64",
  12: "uint32",
  13: "uint64",
  16: "bfloat16",
};
const BY_NAME = new Map(Object.entries(BY_CODE).map(([code, dtype]) => [dtype, Number(code)]));

/** Element type of a code; undefined for types limbeck does not know (complex, float8, int4 ...). */
export const dtypeOf = (code: number): DType | undefined => BY_CODE[code];
export const codeOf = (dtype: DType): number => BY_NAME.get(dtype) as number;
