/** A workload as a network, in Node and in a browser. */
import { type BuiltModel, buildModel } from "../../src/engine/models/model.js";
import { SEED, type StepWorkload } from "../workloads.js";

/** The model of a workload with its start weights. */
export function modelOf(workload: StepWorkload): BuiltModel {
  const { model, inputShape, classes } = workload;
  return buildModel(model, { inputShape, classes, seed: SEED });
}
