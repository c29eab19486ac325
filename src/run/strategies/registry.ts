/** The registry of strategies, as what executes them asks it. */
import type { LoadedData } from "../../learn/data/types.js";
import { strategies, strategyEntry } from "../recipe/registries.js";
import type { Plan } from "../recipe/schema/schema.js";
import type { JointTraining, StrategyEntry } from "./strategy-entry.js";

/**
 * Adds a strategy: recipes may name it from now on.
 * @returns takes it away again
 * @throws InputError when there is one of this kind
 */
export function registerStrategy<Settings>(entry: StrategyEntry<Settings>): () => void {
  return strategies.register(entry);
}

/** All entries; only `registerStrategy` adds to the registry. */
export const strategyEntries = (): readonly StrategyEntry[] => strategies.entries as readonly StrategyEntry[];

/** The entry of a plan's strategy; only `registerStrategy` adds to the registry. */
export const strategyEntryOf = ({ strategy }: Plan): StrategyEntry => strategyEntry(strategy) as StrategyEntry;

/** What a plan's joint training is made of; null where its strategy has none. */
export const jointTraining = (plan: Plan, loaded: LoadedData): JointTraining | null =>
  strategyEntryOf(plan).jointTraining?.(plan, plan.strategy, loaded) ?? null;
