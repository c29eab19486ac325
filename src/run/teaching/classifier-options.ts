/** A recipe's ONNX teacher in the words of the layers below. */
import type { FileTeacherPlan } from "./kinds/file-schema.js";
import { isIdentity } from "../../engine/compile/normalise.js";
import { RAW } from "../../learn/data/normalise.js";
import type { LoadedData } from "../../learn/data/types.js";
import type { Normalisation } from "../../engine/graph/samples.js";
import type { ClassifierOptions } from "../../learn/teacher/classifier.js";

/** What a recipe's ONNX teacher means for this data. */
export function classifierOptions(
  teacher: Omit<FileTeacherPlan, "file">,
  loaded: Pick<LoadedData, "data" | "normalisation">,
): ClassifierOptions {
  const { input, inputs, output, outputs, layout, resize, classes, batch, normalise } = teacher;
  const unit = { ...RAW, scale: loaded.data.samples instanceof Uint8Array ? 1 / 255 : 1 };
  const named = { auto: loaded.normalisation, data: loaded.normalisation, none: RAW, unit };
  const normalisation = typeof normalise === "string" ? named[normalise] : normalise;
  return {
    input,
    ...(inputs ? { inputs } : {}),
    output,
    outputs,
    layout,
    resize,
    classes,
    batch,
    normalisation,
    rawBytes: normalise === "auto" || normalise === "data",
    freely: normalise === "auto",
    ...(normalise === "auto" ? { others: otherNormalisations(loaded.normalisation, unit) } : {}),
    allowChance: teacher.allowChance,
  };
}

/** What a foreign model may want instead of the data's normalisation. */
function otherNormalisations(usual: Normalisation, unit: Normalisation): ClassifierOptions["others"] {
  const ways = [
    { words: "raw samples", normalisation: RAW },
    { words: "bytes divided by 255", normalisation: unit },
  ].filter(({ normalisation: n }, i) => !isSame(n, usual) && (i === 0 || !isIdentity(n)));
  return { usual: isIdentity(usual) ? "raw samples" : "samples normalised like the student's", ways };
}

const isSame = (a: Normalisation, b: Normalisation): boolean =>
  (isIdentity(a) && isIdentity(b)) ||
  (a.scale === b.scale && a.mean.join() === b.mean.join() && a.std.join() === b.std.join());
