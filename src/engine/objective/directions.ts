/** What an objective's outputs are for: whether only their directions count. */
import type { ObjectiveConfig } from "./config.js";
import { lossOf } from "./registry.js";

/** Whether the distillation loss compares directions, as of embeddings: the largest value of a row then says little. */
export function comparesDirections({ distillationLoss }: Pick<ObjectiveConfig, "distillationLoss">): boolean {
  return distillationLoss !== undefined && lossOf(distillationLoss).directions === true;
}
