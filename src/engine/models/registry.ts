/** The models that recipes can ask for. Adding one: write its file, add one line here. */
import type { z } from "zod";
import { InputError } from "../../base/errors.js";
import { quote } from "../../base/quote.js";
import { Registry } from "../../base/registry.js";
import type { Given } from "../../base/schema-fields.js";
import { cnnModel, type LayerList, type LayerSpec } from "./cnn.js";
import type { BuiltModelEntry, FileModelEntry, ModelEntry, ModelSchema } from "./entry.js";
import { lenetModel } from "./lenet.js";
import { mlpModel } from "./mlp.js";
import { mobilenetModel } from "./mobilenet.js";
import { onnxModel } from "./onnx.js";
import { presetModel } from "./presets.js";
import { resnetModel } from "./resnet.js";
import { textEncoderModel } from "./text-encoder.js";
import { vitModel } from "./vit.js";

const ENTRIES = [
  mlpModel,
  cnnModel,
  presetModel,
  lenetModel,
  resnetModel,
  mobilenetModel,
  vitModel,
  textEncoderModel,
  onnxModel,
] as const;

export const models = new Registry<ModelEntry>("model", ENTRIES);

type Entry = (typeof ENTRIES)[number];
/** What a recipe says of a model, with every default filled in; fields are named as code names them. */
export type ModelSettings = z.output<Entry["schema"]>;
/** The same as it may be written: defaults may be missing. */
export type ModelFields = z.input<Entry["schema"]>;

type Spec = Given<z.input<Extract<Entry, { readonly build: unknown }>["schema"]>>;
/** A model that limbeck builds. What has a default may be missing. */
export type ModelSpec =
  | Exclude<Spec, { readonly kind: "cnn" }>
  | (Omit<Extract<Spec, { readonly kind: "cnn" }>, "layers"> & LayerList);
export type { LayerSpec };

/**
 * Adds a kind of model: recipes can ask for it by its `kind` as student, teacher or assistant.
 * @returns takes it away again
 * @throws InputError when there is one of this kind
 */
export function registerModel<S extends ModelSchema>(entry: BuiltModelEntry<S> | FileModelEntry<S>): () => void {
  return models.register(entry);
}

/** The entry of a kind. @throws InputError when there is none */
export function modelEntry(kind: string): ModelEntry {
  const entry = models.find(kind);
  if (entry) return entry;
  throw new InputError({
    code: "option-invalid",
    where: "model.kind",
    found: `found ${quote(kind)}`,
    expected: `one of ${models.entries.map((e) => e.kind).join(", ")}`,
  });
}

export const isFileModel = (entry: ModelEntry): entry is FileModelEntry => "file" in entry;

/** The entry of a model that limbeck builds. @throws InputError when it comes from a file */
export function builtEntry(kind: string): BuiltModelEntry {
  const entry = modelEntry(kind);
  if (!isFileModel(entry)) return entry;
  throw new InputError({
    code: "option-invalid",
    where: "model.kind",
    found: `a model of the kind ${kind} comes from a file`,
    expected: `one of ${models.entries
      .filter((e) => !isFileModel(e))
      .map((e) => e.kind)
      .join(", ")}`,
  });
}

/** Path of the file that holds a model's weights; null where limbeck builds it. */
export function modelFile(settings: ModelSettings): string | null {
  const entry = modelEntry(settings.kind);
  return isFileModel(entry) ? entry.file(settings) : null;
}

/** A short name of a model: "mlp-30-30", "resnet8x0.5". */
export const shortModelName = (settings: ModelSettings): string =>
  modelEntry(settings.kind).shortName?.(settings) ?? settings.kind;

/** The same model without dropout and stochastic depth; null where it has neither. */
export function modelWithoutNoise(settings: ModelSettings): ModelSettings | null {
  const entry = modelEntry(settings.kind);
  if (isFileModel(entry)) return null;
  if (entry.withoutNoise) return (entry.withoutNoise(settings) ?? null) as ModelSettings | null;
  const rates = Object.entries(settings).filter(([name, v]) => ["dropout", "dropPath"].includes(name) && Number(v) > 0);
  return rates.length > 0 ? { ...settings, ...Object.fromEntries(rates.map(([name]) => [name, 0])) } : null;
}
