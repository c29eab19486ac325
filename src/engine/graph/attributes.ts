/** Making and reading node attributes without losing ONNX's distinction between ints and floats. */
import { InputError } from "../../base/errors.js";
import type { Attribute, Attributes, Graph, Tensor } from "./types.js";

export const int = (value: number): Attribute => ({ kind: "int", value });
export const float = (value: number): Attribute => ({ kind: "float", value });
export const text = (value: string): Attribute => ({ kind: "string", value });
export const ints = (value: readonly number[]): Attribute => ({ kind: "ints", value });
export const floats = (value: readonly number[]): Attribute => ({ kind: "floats", value });
export const tensorAttribute = (value: Tensor): Attribute => ({ kind: "tensor", value });

function read<K extends Attribute["kind"]>(attributes: Attributes, name: string, kind: K) {
  const attribute = attributes[name];
  if (attribute === undefined) return undefined;
  if (attribute.kind !== kind)
    throw new InputError({
      code: "model-invalid",
      where: `attribute "${name}"`,
      found: `its value is of the kind ${attribute.kind}`,
      expected: kind,
      cure: "Export the model again, and check it with onnx.checker",
    });
  return attribute as Extract<Attribute, { kind: K }>;
}

/** Each reader returns the default when the attribute is absent and throws when it has another kind. */
export function readInt(attributes: Attributes, name: string, otherwise: number): number {
  return read(attributes, name, "int")?.value ?? otherwise;
}
export function readFloat(attributes: Attributes, name: string, otherwise: number): number {
  return read(attributes, name, "float")?.value ?? otherwise;
}
export function readText(attributes: Attributes, name: string, otherwise: string): string {
  return read(attributes, name, "string")?.value ?? otherwise;
}
export function readInts(attributes: Attributes, name: string): readonly number[] | undefined {
  return read(attributes, name, "ints")?.value;
}
export function readFloats(attributes: Attributes, name: string): readonly number[] | undefined {
  return read(attributes, name, "floats")?.value;
}
export function readTensor(attributes: Attributes, name: string): Tensor | undefined {
  return read(attributes, name, "tensor")?.value;
}
export function readGraph(attributes: Attributes, name: string): Graph | undefined {
  return read(attributes, name, "graph")?.value;
}
