/** What an entry of the registry of strategies says of itself. */
import type { z } from "zod";
import type { ObjectiveConfig } from "../../engine/objective/objective.js";
import type { DataSet, LoadedData } from "../../learn/data/types.js";
import type { DistillOptions, DistillResult } from "../pipeline/one-shot.js";
import type { RecipeStrategy, StrategySchemas } from "../recipe/registries.js";
import type { ModelPlan, Plan } from "../recipe/schema/schema.js";
import type { Arm } from "../teaching/arm.js";
import type { TableRule } from "../teaching/rules/rule.js";
import type { HopPlan } from "./hop-plan.js";

/** The settings of one of limbeck's strategies, every default filled in. */
export type StrategyOf<Kind extends keyof StrategySchemas> = z.output<ReturnType<StrategySchemas[Kind]>>;

/** Several students in one training. */
export interface JointTraining {
  readonly models: readonly ModelPlan[];
  readonly arm: Arm;
  readonly objective: ObjectiveConfig;
}

/** A strategy: it either plans its hops, which shared code runs one after another, or runs as a whole. */
export interface StrategyEntry<Settings = unknown> extends RecipeStrategy<Settings> {
  /** Whether it is one distillation, such as a sweep repeats. */
  readonly single?: boolean;
  /** What it and the rest of a recipe exclude of each other; asked before `planHops`. */
  readonly rules?: readonly TableRule[];
  /**
   * @param plan the run's
   * @param directory the run's folder
   * @param data what it runs on; default images
   * @throws InputError when the strategy makes no sense for this recipe
   */
  planHops?(plan: Plan, settings: Settings, directory: string, data?: Pick<DataSet, "sampleShape">): HopPlan;
  /** From data to report, where that is not a sequence of hops. */
  run?(plan: Plan, settings: Settings, options: DistillOptions): Promise<DistillResult>;
  /** Whether its first hop trains under another objective, other views or other samples than the recipe's. */
  readonly changesFirstHop?: boolean;
  /** Whether models between the teacher and the student's size are trained. */
  readonly assists?: boolean;
  /** The one training of several students, where it has one. */
  jointTraining?(plan: Plan, settings: Settings, loaded: LoadedData): JointTraining;
}

/** One of limbeck's own that is a sequence of hops. */
export type HopStrategy<Kind extends keyof StrategySchemas> = Strategy<Kind> &
  Required<Pick<Strategy<Kind>, "planHops">>;

/** One of limbeck's own. */
export type Strategy<Kind extends keyof StrategySchemas> = StrategyEntry<StrategyOf<Kind>>;
