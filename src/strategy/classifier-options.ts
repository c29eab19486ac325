/** A recipe's ONNX teacher in the words of the layers below. */
import { RAW } from "../data/normalise.js";
import type { LoadedData } from "../data/types.js";
import type { FileTeacherRecipe } from "../recipe/schema.js";
import type { ClassifierOptions } from "../teacher/classifier.js";

/** What a recipe's ONNX teacher means for this data. */
export function classifierOptions(teacher: Omit<FileTeacherRecipe, "file">, loaded: LoadedData): ClassifierOptions {
  const { input, output, outputs, layout, resize, classes, batch, normalise } = teacher;
  const unit = loaded.data.samples instanceof Uint8Array ? 1 / 255 : 1;
  const named = { auto: loaded.normalisation, data: loaded.normalisation, none: RAW, unit: { ...RAW, scale: unit } };
  const normalisation = typeof normalise === "string" ? named[normalise] : normalise;
  return {
    input,
    output,
    outputs,
    layout,
    resize,
    classes,
    batch,
    normalisation,
    rawBytes: normalise === "auto" || normalise === "data",
    freely: normalise === "auto",
    allowChance: teacher.allow_chance,
  };
}
