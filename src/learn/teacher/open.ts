/** Opens a foreign classifier from its file. */
import { faultOf, InputError, RunError } from "../../base/errors.js";
import { type LoadedModel, loadModelFile } from "../../node/model-file.js";
import { writeModel } from "../../engine/graph/write.js";
import { openSession, type Session, type SessionOptions } from "../../node/session.js";
import { type Askable, askable } from "./askable.js";

/** The file as it is, its session, and what was changed before it was opened. */
export interface Classifier extends LoadedModel {
  readonly session: Session;
  readonly asked: Askable;
}

/**
 * @param features names or patterns of inner values that shall be outputs
 * @throws InputError when the file is no model, or ONNX Runtime refuses it
 */
export async function openClassifier(
  path: string,
  options: SessionOptions,
  features: readonly string[] = [],
): Promise<Classifier> {
  const loaded = loadModelFile(path);
  const asked = askable(loaded.model, path, features);
  const source = asked.model === loaded.model ? path : writeModel(asked.model);
  const session = await openSession(source, options).catch((cause: unknown) => {
    if (cause instanceof RunError && cause.code === "engine-failed") throw refused(path, cause);
    const fault = cause instanceof InputError ? faultOf(cause) : null;
    // Of a model that was opened from its bytes the session knows no name.
    throw fault?.where === "model" ? new InputError({ ...fault, where: path }, { cause }) : cause;
  });
  return { ...loaded, session, asked };
}

/** The file is the user's: that it cannot be run is wrong input. */
function refused(path: string, cause: RunError): InputError {
  return new InputError(
    {
      code: "model-invalid",
      where: path,
      found: cause.found,
      expected: "a model that ONNX Runtime can run",
      cure: "Check the model with onnx.checker, or export it again",
    },
    { cause },
  );
}
