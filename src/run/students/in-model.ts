/** Errors about a model, told with the recipe's field or with its file. Nothing here is Node's. */
import { type Fault, faultOf, InputError, relocated, within } from "../../base/errors.js";

/** Parts of a graph, as errors name them. */
const PART = /^(attribute|layer|node|output|parameter) /;

/**
 * Runs the work; what is wrong with a model is told with its recipe's field, or with its file.
 * @param field of the recipe that describes the model: "student"
 * @param file that the model comes from; null where limbeck builds it
 */
export function inModel<T>(field: string, file: string | null, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    if (/^model\b/.test(error.where)) throw moved(error, error.where.replace("model", field));
    if (!PART.test(error.where)) throw error;
    throw file === null ? within(error, field) : relocated(error, file);
  }
}

const moved = (error: InputError, where: string): InputError =>
  new InputError({ ...(faultOf(error) as Fault), where }, { cause: error });
