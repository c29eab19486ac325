/** Corrects the biases of a trained model that never saw some classes, before it is exported. */
import { withOutputBias } from "../../engine/compile/output-bias.js";
import { biasOffset } from "../../learn/evaluate/bias-offset.js";
import type { Model } from "../../engine/graph/types.js";
import { writeModel } from "../../engine/graph/write.js";
import { openSession } from "../../node/session.js";
import { labelsOf, type RunContext } from "../folder/context.js";
import type { Correction, Fitted } from "./fitted.js";
import { answers } from "./student.js";

/** Metadata key of a corrected model: JSON { classes, offset }. */
const METADATA_KEY = "bias_correction";

/**
 * The exported model with the one offset on these classes that is best on the validation samples. Hinton, Vinyals & Dean
 * (2015, section 3) chose it on the test samples; here those choose nothing.
 * @param expects normalisation that the model's caller applies; null: it is inside
 */
export async function correctBias(
  { loaded, execution }: RunContext,
  model: Model,
  shifted: readonly number[],
  expects: Fitted["expects"],
): Promise<{ readonly model: Model } & Omit<Correction, "uncorrected">> {
  const { data, splits } = loaded;
  const all = labelsOf(loaded, splits.validation);
  const samples = splits.validation.filter((_, i) => (all[i] as number) >= 0);
  const session = await openSession(writeModel(model), { threads: execution.threads });
  const logits = await answers(session, data, samples, expects).finally(() => session.dispose());
  const classes = logits.length / samples.length;
  const found = biasOffset(logits, labelsOf(loaded, samples), classes, shifted);
  const shifts = new Float32Array(classes);
  for (const c of shifted) shifts[c] = found.offset;
  const corrected = found.offset === 0 ? model : withOutputBias(model, shifts);
  const note = JSON.stringify({ classes: shifted.map((c) => data.classes[c]), offset: found.offset });
  return { ...found, model: { ...corrected, metadata: { ...corrected.metadata, [METADATA_KEY]: note } } };
}
